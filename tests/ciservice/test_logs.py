"""The service's own log: for people and for machines, with what it was about."""

from __future__ import annotations

import json
import logging
import logging.config
import sys

import pytest
from structlog.contextvars import bound_contextvars

from ciservice import logs


def formatter(form):
    wanted = dict(logs.config(form, "INFO")["formatters"]["chosen"])
    return wanted.pop("()")(**wanted)


def record(text, *values, failed=None):
    return logging.LogRecord("builds.services.run", logging.WARNING, __file__, 1, text, values, failed)


def test_a_line_for_machines_says_what_it_is_about():
    with bound_contextvars(build="b-1", job="j-1", attempt=2):
        said = json.loads(formatter("json").format(record("job broke: %s", "no\nroom")))
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "level": "warning",
        "logger": "builds.services.run",
        "message": "job broke: no\nroom",
        "build": "b-1",
        "job": "j-1",
        "attempt": 2,
    }


def test_a_line_for_people_says_the_same():
    with bound_contextvars(build="b-1"):
        line = formatter("plain").format(record("job broke"))
    assert line.endswith("WARNING builds.services.run job broke build=b-1")


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_traceback_is_kept(form):
    try:
        raise ValueError("of all things")
    except ValueError:
        text = formatter(form).format(record("job broke", failed=sys.exc_info()))
    assert "ValueError: of all things" in text
    assert ("\n" in text) == (form == "plain"), "one line an event, for machines"


@pytest.mark.parametrize(("given", "kept"), [("req-0123456789", True), ("short", False), ("a b\"c'd" * 3, False)])
def test_every_answer_names_its_request(client, given, kept):
    answer = client.get("/healthz", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) == kept
    assert len(answer.headers["X-Request-Id"]) >= 8
