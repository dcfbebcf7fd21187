"""What a process loads that is not the web's: its memory is counted by those who run many."""

from __future__ import annotations

import os
import subprocess
import sys

LOAD = """
import sys
from importlib import import_module
import django
django.setup(set_prefix=False)
import_module("ciservice.processes")
for name in ("builds.tasks", "builds.runner", "deployments.tasks"):
    import_module(name)
print([name for name in ("ninja", "gunicorn", "builds.api", "builds.views", "ciservice.urls") if name in sys.modules])
"""


def test_pages_and_api_are_loaded_by_the_process_that_serves_them_alone():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ciservice.settings"}
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, timeout=60, env=environment)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
