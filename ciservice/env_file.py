"""Files of settings, `NAME=value` a line, as systemd's EnvironmentFile has them: what `ciservice join` writes."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

RUNNER_FILE = Path("/etc/ciservice/runner.env")
_LINE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def read(path: Path) -> dict[str, str]:
    """What the file sets. OSError where it cannot be read, ValueError names a line that is no setting."""
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ValueError(f"{path}:{number}: not NAME=value")
        found[match[1]] = match[2]
    return found


def write(path: Path, values: Mapping[str, str], *, heading: str) -> None:
    """Write the file whole or not at all, for its owner alone; ValueError for a value that would be two lines."""
    for name, value in values.items():
        if _LINE.fullmatch(f"{name}={value}") is None or value != value.strip():
            raise ValueError(f"{name}: its value does not fit into one line")
    text = "".join([f"# {heading}\n", *(f"{name}={value}\n" for name, value in sorted(values.items()))])
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".runner-")  # 0600 from the beginning
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Make the folder where it is missing, and OSError where the file could not be written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".runner-"):
        pass
