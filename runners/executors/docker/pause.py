"""The image of containers that only hold a network namespace: one static program of nine bytes of code that sleeps.

Made here because a runner may have no registry to pull it from, and because nothing can be asked to do less.
"""

from __future__ import annotations

import io
import struct
import tarfile

from runners.executors.docker.engine import Engine

NAME = "ciservice-pause"

_BASE = 0x400000
_HEADERS = 64 + 56
# pause() again and again: the machine's number in ELF, and the code.
_PROGRAMS = {
    "amd64": (62, bytes.fromhex("b8220000000f05ebf7")),  # mov eax, 34; syscall; jmp
    # mov x0..x3, 0; mov x8, 73 (ppoll: this machine has no pause); svc 0; b
    "arm64": (183, bytes.fromhex("000080d2010080d2020080d2030080d2280980d2010000d4faffff17")),
}


def ensure(engine: Engine) -> str:
    """The image's id, made where the engine has none; "" on a machine that we have no program for."""
    if found := engine.image(NAME):
        return str(found["Id"])
    program = _PROGRAMS.get(str(engine.facts().get("Arch")))
    if program is None:
        return ""
    engine.import_image(_archive(_executable(*program)), NAME, ['ENTRYPOINT ["/pause"]'])
    made = engine.image(NAME)
    return str(made["Id"]) if made else ""


def _executable(machine: int, code: bytes) -> bytes:
    """A 64-bit little-endian ELF file with one loaded segment."""
    size = _HEADERS + len(code)
    kind = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return kind + header + segment + code


def _archive(program: bytes) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return memory.getvalue()
