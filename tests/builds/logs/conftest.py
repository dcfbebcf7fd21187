"""Steps, and writers that fill their logs."""

from __future__ import annotations

import pytest

from builds.logs import live
from builds.logs.writer import LogWriter
from builds.models import Job, Step
from builds.states import Status


@pytest.fixture(autouse=True)
def no_open_connections(settings, tmp_path):
    """Storage of the test's own, and no client left behind."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "storage")},
        },
    }
    yield
    live.disconnect()


@pytest.fixture
def make_step(make_build, organization):
    """Makes a running step of a running build."""

    def make(**fields: object) -> Step:
        build = make_build(status=Status.RUNNING)
        job = Job.objects.create(
            build=build, organization=organization, name="test", spec={}, status=Status.RUNNING, attempt=1
        )
        return Step.objects.create(
            **{"job": job, "attempt": 1, "path": "0", "position": 0, "name": "unit", "status": Status.RUNNING, **fields}
        )

    return make


@pytest.fixture
def make_writer(tmp_path):
    """Makes a writer, closed at the end of the test."""
    writers: list[LogWriter] = []

    def make(step: Step, cap_bytes: int = 64 * 1024 * 1024, guard=lambda: None, **options: object) -> LogWriter:
        writer = LogWriter(step, guard=guard, spool_dir=tmp_path / "spool", cap_bytes=cap_bytes, **options)
        writers.append(writer)
        return writer

    yield make
    for writer in writers:
        writer.close()


@pytest.fixture
def print_log(make_writer):
    """Has a step print something, whole."""

    def print_all(step: Step, *chunks: bytes, cap_bytes: int = 64 * 1024 * 1024):
        writer = make_writer(step, cap_bytes)
        for chunk in chunks:
            writer.write(chunk)
        return writer.close()

    return print_all
