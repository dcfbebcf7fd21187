"""What of a Dockerfile matters before it is built: the images it begins from, and who can build it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"(?<!<)<<-?(?P<quote>[\"']?)(?P<end>[A-Za-z_]\w*)(?P=quote)")
_ARG = re.compile(r"\s*ARG\s+(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(
    r"(?P<before>\s*FROM\s+(?:--platform=\S+\s+)?)(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE
)
_COPY_FROM = re.compile(r"(?P<before>\s*(?:COPY|ADD)\s[^\n]*?--from=)(?P<image>[^\s\\]+)", re.IGNORECASE)
_MOUNT_FROM = re.compile(r"(?P<before>--mount=(?:[^\s,]+,)*from=)(?P<image>[^\s,\\]+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?P<how>:[-+](?P<word>[^}]*))?\})")
_NEEDS_BUILDKIT = re.compile(
    r"\s*(?:RUN[\s\\]+(?:--\S+[\s\\]+)*--(?:mount|network|security)=|"
    r"(?:COPY|ADD)[\s\\]+(?:--\S+[\s\\]+)*--(?:link|chmod|parents|exclude|checksum|keep-git-dir)\b|"
    r"ARG\s+(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)\b|FROM\s+--platform=\$(?:\{)?(?:TARGET|BUILD))",
    re.IGNORECASE,
)
_LOADS = re.compile(r"\s*ADD\s[^\n]*?(?:https?://|git@|git://|\.git\b)", re.IGNORECASE)

Pin = Callable[[str], str]
"""The name of an image -> the name to write instead of it."""


def needs_buildkit(text: str) -> bool:
    """Whether the classic builder would not understand it. A line `# syntax=` alone says nothing: it is a comment there."""
    return any(
        _NEEDS_BUILDKIT.match(part) or (_may_hold_heredoc(part) and _HEREDOC.search(part))
        for part in _instructions(text)
    )


def loads_from_elsewhere(text: str) -> bool:
    """Whether the same files may give another image: it adds what an address on the network has just then."""
    return any(_LOADS.match(part) for part in _instructions(text))


def pinned(text: str, args: Mapping[str, str], pin: Pin) -> str:
    """The text with every image that it begins from, or copies from, as `pin` writes it.

    Stages of the Dockerfile, `scratch` and names with variables that nobody knows here stay as they are.
    """
    stages: set[str] = {"scratch"}
    known: dict[str, str] = {}
    out: list[str] = []
    is_first = True

    def written(found: re.Match[str]) -> str:
        name = substituted(found["image"], known)
        is_open = "$" in name or name.lower() in stages or name.isdigit()
        return found["before"] + (found["image"] if is_open else pin(name))

    for part in _instructions(text):
        if (found := _FROM.match(part)) is not None:
            is_first = False
            out.append(written(found) + part[found.end("image") :])
            stages |= {found["stage"].lower()} if found["stage"] else set()
            continue
        if is_first and (argument := _ARG.match(part)) is not None:
            known |= _defaults(argument["rest"], known, args)
        pattern = _MOUNT_FROM if re.match(r"\s*RUN\s", part, re.IGNORECASE) else _COPY_FROM
        out.append(pattern.sub(written, part))
    return "".join(out)


def substituted(text: str, known: Mapping[str, str]) -> str:
    """With the values of `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+value}`; unknown ones stay."""

    def value(found: re.Match[str]) -> str:
        name, how = found["bare"] or found["name"], found["how"] or ""
        given = known.get(name, "")
        if how.startswith(":-"):
            return given or str(found["word"])
        if how.startswith(":+"):
            return str(found["word"]) if given else ""
        return known.get(name, found[0])

    return _VARIABLE.sub(value, text)


def _defaults(rest: str, known: Mapping[str, str], args: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in rest.split():
        name, equals, default = word.partition("=")
        if name in args:
            found[name] = args[name]
        elif equals:
            found[name] = substituted(default.strip("\"'"), {**known, **found})
    return found


def _instructions(text: str) -> Iterator[str]:
    """The text in pieces: an instruction with its continued lines and its heredocs, or a line that is none."""
    escape, lines = _escape_of(text), iter(text.splitlines(keepends=True))
    for line in lines:
        piece = line
        if line.strip() and not line.lstrip().startswith("#"):
            while _goes_on(line, escape) and (line := next(lines, "")):
                piece += line
            if _may_hold_heredoc(piece):
                for found in _HEREDOC.finditer(piece):
                    for inner in lines:
                        piece += inner
                        if inner.strip() == found["end"]:
                            break
        yield piece


def _goes_on(line: str, escape: str) -> bool:
    bare = line.strip()
    return bare.endswith(escape) or not bare or bare.startswith("#")


def _may_hold_heredoc(piece: str) -> bool:
    return re.match(r"\s*(?:RUN|COPY|ADD)\s", piece, re.IGNORECASE) is not None


def _escape_of(text: str) -> str:
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            break
        if found := _ESCAPE.match(line.strip()):
            return found[1]
    return "\\"
