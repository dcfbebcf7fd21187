"""What is read of a Dockerfile before it is built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.executors.docker.dockerfile import loads_from_elsewhere, needs_buildkit, pinned


def pins(text: str, **args: str) -> tuple[str, list[str]]:
    asked: list[str] = []

    def pin(name: str) -> str:
        asked.append(name)
        return f"<{name}>"

    return pinned(text, args, pin), asked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", "FROM <a>"),
        ("from --platform=linux/amd64 a:1 as x\n", "from --platform=linux/amd64 <a:1> as x\n"),
        ("FROM a AS Base\nFROM base\n", "FROM <a> AS Base\nFROM base\n"),
        ("FROM scratch\n", "FROM scratch\n"),
        ("FROM a AS x\nFROM b\nCOPY --from=x /1 /1\nCOPY --from=0 /2 /2\nCOPY --chown=1 --from=c /3 /3\n",
         "FROM <a> AS x\nFROM <b>\nCOPY --from=x /1 /1\nCOPY --from=0 /2 /2\nCOPY --chown=1 --from=<c> /3 /3\n"),
        ("FROM a\nRUN --mount=type=bind,from=b,target=/b ls\n", "FROM <a>\nRUN --mount=type=bind,from=<b>,target=/b ls\n"),
        ("FROM a\nRUN tool --from=b x\n", "FROM <a>\nRUN tool --from=b x\n"),
        ("FROM a\nRUN psql -c 'select 1 \\\nFROM users'\n", "FROM <a>\nRUN psql -c 'select 1 \\\nFROM users'\n"),
        ("FROM a\nRUN x \\\n  # a comment\n\nFROM users\n", "FROM <a>\nRUN x \\\n  # a comment\n\nFROM users\n"),
        ("FROM a\nRUN <<EOF\nFROM users\nEOF\nFROM b\n", "FROM <a>\nRUN <<EOF\nFROM users\nEOF\nFROM <b>\n"),
        ("# escape=`\nFROM a\nRUN x `\nFROM users\n", "# escape=`\nFROM <a>\nRUN x `\nFROM users\n"),
        ("# FROM a\nFROM b\n", "# FROM a\nFROM <b>\n"),
        ("ARG V=1\nFROM a:$V\n", "ARG V=1\nFROM <a:1>\n"),
        ("ARG R\nFROM ${R:-quay.io}/a\n", "ARG R\nFROM <quay.io/a>\n"),
        ("ARG V\nFROM a:${V}\n", "ARG V\nFROM a:${V}\n"),
    ],
)  # fmt: skip
def test_the_images_that_it_begins_from_are_found(text, expected):
    assert pins(text)[0] == expected


def test_given_arguments_win_over_defaults():
    assert pins("ARG V=1\nARG W=x$V\nFROM a:$W\nARG V=3\n", V="2")[1] == ["a:x2"]


PIECES = ["FROM ", "a", " AS x", "\n", "\\\n", "RUN ", "COPY ", "<<EOF", "EOF", "#", "--from=", "ARG A=1", " "]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_where_nothing_is_pinned_every_text_stays_as_it_is(text):
    assert pinned(text, {}, lambda name: name) == text


@pytest.mark.parametrize(
    "line",
    [
        "RUN --mount=type=cache,target=/c make",
        "run --mount=type=secret,id=x cat",
        "RUN \\\n  --mount=type=cache,target=/c make",
        "RUN <<EOF\necho\nEOF",
        "COPY <<-'EOF' /x\nEOF",
        "COPY --link a b",
        "COPY --chown=1 --chmod=755 a b",
        "ARG TARGETARCH",
        "FROM --platform=$BUILDPLATFORM a",
    ],
)
def test_what_only_buildkit_understands(line):
    assert needs_buildkit(f"FROM a\n{line}\n")


@pytest.mark.parametrize(
    "line",
    ["RUN echo $((1<<2))", "RUN cat <<< x", "# syntax=docker/dockerfile:1", "# RUN --mount=x", "RUN x --mount=type=y",
     "COPY --chown=1 a b", "RUN a && \\\n  --mount=x", "ENV X=<<EOF"],
)  # fmt: skip
def test_what_the_classic_builder_does_as_well(line):
    assert not needs_buildkit(f"{line}\nFROM a\n")


def test_files_from_the_network_are_noticed():
    assert loads_from_elsewhere("FROM a\nADD https://example.com/x /x\n")
    assert not loads_from_elsewhere("FROM a\nADD x.tar /\nRUN curl https://example.com\n")
