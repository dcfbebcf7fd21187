"""Files that were written to hurt, and what is to be said of each."""

from __future__ import annotations

Case = tuple[dict[str, str], str]

_TOO_MANY = "more than 20000 nodes"
_TOO_DEEP = "nested deeper than 40 levels"
_UNFOLDS = "unfolds to more than"
_UNKNOWN_TAG = "is not known here: remove it"
_NO_MAP = "the file needs a map"


def many(template: str, count: int, joint: str = "\n") -> str:
    """The template once for each number: N is the number, P the one before."""
    return joint.join(template.replace("N", str(n)).replace("P", str(n - 1)) for n in range(count))


def ours(text: str) -> dict[str, str]:
    return {"ciservice.yml": text}


def theirs(steps: str, services: str = "app: {image: x}") -> dict[str, str]:
    return {"codeship-steps.yml": steps, "codeship-services.yml": services}


def one_service(keys: str, more: str = "") -> dict[str, str]:
    return theirs("- {service: app, command: a}", f"app: {{{keys}}}\n{more}")


def laughs(levels: int) -> str:
    top = "a0: &a0 [l, l, l, l, l, l, l, l, l, l]"
    return "\n".join([top, *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels))])


def merges(levels: int, wide: int = 50) -> str:
    top = f"a0: &a0 {{{many('kN: 1', wide, ', ')}}}"
    return "\n".join([top, *(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * wide)}]" for n in range(1, levels))])


_MANY = many("sN: {image: x}", 2000)
_THIRTY = many("sN", 30, ", ")
_NESTED = "{type: matrix, services: *s, steps: [INNER]}"

_EXPANSION: dict[str, Case] = {
    "billion laughs": (ours(laughs(10)), _TOO_MANY),
    "merge keys, 50 to the 4th": (ours(merges(5)), _TOO_MANY),
    "merge keys, 50 to the 6th": (ours(merges(7)), _TOO_MANY),
    "merge keys in a chain": (
        ours("a: &a-1 {}\n" + many("bN: &aN {<<: *aP, kN: 1}", 2000)),
        _TOO_MANY,
    ),
    "itself in a list": (ours("a: &a [*a]"), "lies inside of what it names"),
    "itself among the steps": (ours("steps: &a [{serial: *a}]"), "lies inside of what it names"),
    "one scalar a thousand times": (
        ours(f"a: &a {'x' * 200_000}\nsteps: [{'*a, ' * 1000}]"),
        "characters, aliases written out",
    ),
    "2000 x 1000 copies": (
        theirs(f"- {{type: matrix, services: [{many('sN', 2000, ', ')}], steps: [{'{command: a}, ' * 1000}]}}", _MANY),
        _UNFOLDS,
    ),
    "copies of copies of copies": (
        theirs(
            f"- {{type: matrix, services: &s [{_THIRTY}], steps: [INNER]}}".replace("INNER", _NESTED)
            .replace("INNER", _NESTED)
            .replace("INNER", "{command: a}"),
            _MANY,
        ),
        _UNFOLDS,
    ),
    "copies of a long command": (
        theirs(f"- {{type: matrix, services: [{_THIRTY}], steps: [{{command: '{'a ' * 32_000}'}}]}}", _MANY),
        _UNFOLDS,
    ),
    "copies of unknown keys": (
        theirs(
            f"- {{type: matrix, services: [{_THIRTY}], steps: [{{command: a, {many('kN: 1', 4000, ', ')}}}]}}", _MANY
        ),
        _UNFOLDS,
    ),
    "variables handed down": (
        ours(
            f"environment: {{A: {'x' * 100_000}}}\nsteps:\n"
            f"- environment: {{B: {'y' * 100_000}}}\n  serial: [{'a, ' * 900}]"
        ),
        _UNFOLDS,
    ),
    "services in fifty pipelines": (
        ours(
            f"services: {{app: {{image: x, environment: {{A: {'x' * 200_000}}}}}}}\npipelines:\n"
            + many("  pN: {steps: [{service: app, run: a}]}", 50).replace("pP", "p")
        ),
        "services amount to more than",
    ),
}

_DEPTH: dict[str, Case] = {
    "5000 open brackets": (ours("[" * 5000), _TOO_DEEP),
    "5000 open maps": (ours("{a: " * 5000), _TOO_DEEP),
    "5000 dashes": (ours("- " * 5000), _TOO_DEEP),
    "5000 complex keys": (ours("? " * 5000), _TOO_DEEP),
    "deep by alias": (ours("a: &a-1 [x]\n" + many("bN: &aN [*aP]", 60)), _TOO_DEEP),
}

_SIZE: dict[str, Case] = {
    "10 MB in one scalar": (ours(f"a: '{'x' * 10_000_000}'"), "larger than 256 KiB"),
    "a number of 6000 digits": (ours(f"steps: [a]\ntimeout: {'9' * 6000}"), "needs a duration"),
    "100000 commas": (ours(f"[{'a,' * 100_000}]"), _TOO_MANY),
    "20000 anchors": (ours(many("- &aN x", 20_000)), _TOO_MANY),
    "60000 documents": (ours("---\n" * 60_000), _NO_MAP),
    "60000 escapes": (ours('"' + "\\x41" * 60_000 + '"'), _NO_MAP),
    "a long tag": (ours("!" * 200_000), _UNKNOWN_TAG),
    "a long anchor": (ours(f"&{'a' * 200_000} x"), _NO_MAP),
    "a long comment": (ours("#" * 250_000), _NO_MAP),
    "blanks": (ours(" " * 250_000), _NO_MAP),
    "tabs": (ours("\t" * 250_000), "not valid YAML"),
    "9000 times the same key": (ours("a: 1\n" * 9000), "is given twice"),
    "9000 unknown keys": (ours("steps: [a]\n" + many("keyN: 1", 9000)), "unknown key"),
    "1500 services with unknown keys": (
        ours("steps: [a]\nservices:\n" + many("  sN: {imagN: x, image: y}", 1500)),
        "unknown key",
    ),
    "990 unknown services": (theirs(many("- {service: tNx, command: a}", 990), _MANY), "does not exist"),
    "quotes without end": (theirs(f"- {{service: app, command: '{chr(34) * 20_001}'}}"), "is opened and never closed"),
    "templates": (one_service(f"build: {{args: {{A: '{'{{ .Branch }}' * 500}'}}}}"), "a plan"),
    "a long template": (
        one_service(f"build: {{args: {{A: '{'{{ .Branch }}' * 10_000}'}}}}"),
        "at most 8192 characters",
    ),
    "many templates": (
        one_service("build: {args: {" + many("AN: '{{ if .Ci }}{{ .Branch }}{{ end }}'", 4000, ", ") + "}}"),
        "a plan",
    ),
    "many wrong templates": (
        one_service("build: {args: {" + many("AN: '{{ .BrancN }}'", 9000, ", ") + "}}"),
        "there is no `.Branc",
    ),
    "a template that doubles": (
        one_service(f"build: {{args: {{A: '{{{{ $x := .Branch }}}}{'{{ $x = print $x $x }}' * 40}{{{{ $x }}}}'}}}}"),
        "more than 65536 characters",
    ),
    "templates that fill the memory": (
        one_service(
            "build: {args: {"
            + many(f"AN: '{{{{ $x := .Branch }}}}{'{{ $x = print $x $x }}' * 13}{{{{ $x }}}}'", 200, ", ")
            + "}}"
        ),
        "the templates of this file make more than",
    ),
    "a width": (one_service("build: {args: {A: '{{ printf `%1000000000d` 1 }}'}}"), "more than 500 characters"),
    "a width of digits": (
        one_service(f"build: {{args: {{A: '{{{{ printf `%{'9' * 7000}d` 1 }}}}'}}}}"),
        "more than 500 characters",
    ),
    "a large number": (one_service(f"build: {{args: {{A: '{{{{ {'9' * 8000} }}}}'}}}}"), "a plan"),
    "conditions in each other": (
        one_service(f"build: {{args: {{A: '{'{{if .Ci}}' * 300}{'{{end}}' * 300}'}}}}"),
        "nested deeper than 30",
    ),
    "conditions after each other": (
        one_service(f"build: {{args: {{A: '{{{{if .Ci}}}}{'{{else if .Ci}}' * 400}{{{{end}}}}'}}}}"),
        "nested deeper than 30",
    ),
    "parentheses": (one_service(f"build: {{args: {{A: '{{{{ {'(' * 4000} }}}}'}}}}"), "nested deeper than 30"),
    "a template of quotes": (one_service(f"build: {{args: {{A: '{{{{ {'`' * 7001} }}}}'}}}}"), "the quote `"),
    "on_fail in each other": (
        theirs("- " + "{service: t, command: a, on_fail: [" * 15 + "]}" * 15, "t: {image: x}"),
        "nested deeper than 12",
    ),
    "on_fail by alias": (
        theirs(
            "- &a-1 {service: t, command: a}\n" + many("- &aN {service: t, command: a, on_fail: [*aP, *aP]}", 11),
            "t: {image: x}",
        ),
        _TOO_MANY,
    ),
    "5000 volumes of the host": (
        one_service("image: x, volumes: [" + many("'/hN:/xN'", 5000, ", ") + "]"),
        "a plan",
    ),
    "a loop": (one_service("build: {args: {A: '{{ range .Branch }}x{{ end }}'}}"), "`range` cannot be used here"),
    "templates without end": (
        one_service(f"build: {{args: {{A: '{'{{' * 4_000}'}}}}"),
        "has no meaning here",
    ),
    "parts of a volume": (one_service(f"image: x, volumes: ['{':' * 100_000}']"), "a plan"),
    "a path of dots": (one_service(f"build: '{'../' * 60_000}'"), "a plan"),
}

_GRAPHS: dict[str, Case] = {
    "a chain of services": (
        theirs("- {service: s1599, command: a}", many("sN: {image: x, links: [sP]}", 1600)),
        "which does not exist",
    ),
    "all services need all": (
        one_service(f"image: x, links: &all [{many('sN', 130, ', ')}]", many("sN: {image: x, links: *all}", 130)),
        "in a circle",
    ),
}

_STARS = many("'" + "*" * 190 + "N'", 900, ", ")
_PATTERNS: dict[str, Case] = {
    "patterns that repeat": (
        theirs(many(f"- {{service: app, command: a, tag: '^{'(a+)+' * 30}N$'}}", 900)),
        "a plan",
    ),
    "patterns that unfold": (
        theirs(many("- {service: app, command: a, tag: '^(((a{100}){100}){100})N$'}", 900)),
        "a plan",
    ),
    "patterns of stars": (
        ours(f"steps: [a]\ndeployments: {{x: {{steps: [a], branch: [{_STARS}]}}}}"),
        "a plan",
    ),
}

_WORDS: dict[str, Case] = {
    "a python object": (ours("!!python/object/apply:os.system ['true']"), _UNKNOWN_TAG),
    "NUL": (ours("a: \x00"), "not valid YAML"),
    "NUL by escape": (ours('a: "\\0"'), "must not contain a NUL"),
    "half a character": (ours("a: \ud800"), "not valid YAML"),
}

CASES: dict[str, Case] = {**_EXPANSION, **_DEPTH, **_SIZE, **_GRAPHS, **_PATTERNS, **_WORDS}
