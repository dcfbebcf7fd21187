"""Executors are made by name, and only what is asked for is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runners.executors import make_executor


@pytest.mark.parametrize("name", ["fake", "process"])
def test_an_executor_is_made_by_its_name(make_settings, name):
    assert make_executor(make_settings(name)).name == name


def test_a_name_that_nobody_knows(make_settings):
    with pytest.raises(ValueError, match="use docker, fake, process"):
        make_executor(make_settings("podman"))


def test_the_docker_client_stays_out_of_processes_without_docker():
    program = "import sys, runners.engine, runners.executors, runners.executors.process; print('docker' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
