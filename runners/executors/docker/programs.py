"""The two programs of our own that run in containers, of a few bytes each: one that sleeps, and one that calls.

Made here because a runner may have no registry to pull them from, and because nothing can be asked to do less.
"""

from __future__ import annotations

import io
import struct
import tarfile

_BASE = 0x400000
_HEADERS = 64 + 56
_MACHINES = {"amd64": 62, "arm64": 183}  # as ELF numbers them

# pause() again and again.
_SLEEP = {
    "amd64": bytes.fromhex("b8220000000f05ebf7"),  # mov eax, 34; syscall; jmp
    # mov x0..x3, 0; mov x8, 73 (ppoll: this machine has no pause); svc 0; b
    "arm64": bytes.fromhex("000080d2010080d2020080d2030080d2280980d2010000d4faffff17"),
}

# exit(-connect(socket(AF_INET, SOCK_STREAM, 0), &address, 16)), and then the address.
_CALL = {
    # mov edi, 2; mov esi, 1; xor edx, edx; mov eax, 41; syscall;
    # mov edi, eax; lea rsi, [address]; mov edx, 16; mov eax, 42; syscall; neg eax; mov edi, eax; mov eax, 60; syscall
    "amd64": bytes.fromhex(
        "bf02000000be0100000031d2b8290000000f0589c7488d3517000000ba10000000b82a0000000f05f7d889c7b83c0000000f05"
    ),
    # mov x0, 2; mov x1, 1; mov x2, 0; mov x8, 198; svc 0;
    # adr x1, address; mov x2, 16; mov x8, 203; svc 0; neg x0, x0; mov x8, 93; svc 0
    "arm64": bytes.fromhex(
        "400080d2210080d2020080d2c81880d2010000d4e1000010020280d2681980d2010000d4e00300cba80b80d2010000d4"
    ),
}


def sleeper(machine: str) -> bytes | None:
    """The program that waits for signals, for the engine's word for a machine; None where we have none."""
    return _executable(machine, _SLEEP[machine]) if machine in _SLEEP else None


def caller(machine: str, address: str, port: int) -> bytes | None:
    """The program that calls an IPv4 address: it ends as soon as anybody answers, were it by refusing."""
    if machine not in _CALL:
        return None
    where = struct.pack("<H", 2) + struct.pack(">H", port) + bytes(map(int, address.split("."))) + bytes(8)
    return _executable(machine, _CALL[machine] + where)


def archive(name: str, program: bytes) -> bytes:
    """A tar with the program alone."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return memory.getvalue()


def _executable(machine: str, code: bytes) -> bytes:
    """A 64-bit little-endian ELF file with one loaded segment."""
    size = _HEADERS + len(code)
    kind = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, _MACHINES[machine], 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return kind + header + segment + code
