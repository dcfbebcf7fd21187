"""Go's printf, with bounds: no width makes more of a text than a line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from builds.pipeline.gotemplate.errors import TemplateError

MAX_WIDTH = 500
_VERB = re.compile(r"%([-+# 0]*)([0-9]{0,12})(?:\.([0-9]{0,12}))?(.?)", re.DOTALL)
_OF_TEXT, _OF_NUMBERS, _OF_FRACTIONS = frozenset("svqxX"), frozenset("dvbocxXsU"), frozenset("feEgGv")


def printf(form: str, values: Sequence[object]) -> str:
    """The form with the values put in. Raises TemplateError where Go would write %!d(string=...) or the like."""
    left = list(values)

    def one(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if not verb:
            raise TemplateError("printf: the form ends in the middle of a verb")
        for bound in (width, precision):
            if bound and int(bound) > MAX_WIDTH:
                raise TemplateError(f"printf: {found[0]} asks for more than {MAX_WIDTH} characters")
        if not left:
            raise TemplateError(f"printf: there is no value for {found[0]}")
        text = _formatted(left.pop(0), verb, flags, None if precision is None else int(precision or 0))
        return _padded(text, flags, int(width or 0), is_number=verb in "dboxXfeEgG")

    text = _VERB.sub(one, form)
    if left:
        raise TemplateError(f"printf: more values than verbs in {json.dumps(form)[:80]}")
    return text


def _formatted(value: object, verb: str, flags: str, precision: int | None) -> str:
    if isinstance(value, bool):
        if verb in "tv":
            return str(value).lower()
    elif isinstance(value, str) and verb in _OF_TEXT:
        return _of_text(value, verb, precision)
    elif isinstance(value, int) and verb in _OF_NUMBERS - {"s"}:
        return ("+" if "+" in flags and value >= 0 else "") + _of_number(value, verb)
    elif isinstance(value, float) and verb in _OF_FRACTIONS:
        form = "g" if verb == "v" else verb
        return f"{value:{'+' if '+' in flags else ''}.{6 if precision is None else precision}{form}}"
    elif not isinstance(value, str | int | float) and verb in "sv":
        return _of_text(str(value), "s", precision)
    raise TemplateError(f"printf: %{verb} cannot write {kind(value)}")


def _of_text(value: str, verb: str, precision: int | None) -> str:
    cut = value if precision is None else value[:precision]
    if verb == "q":
        return json.dumps(cut, ensure_ascii=False)
    if verb in "xX":
        digits = cut.encode("utf-8", "surrogatepass").hex()
        return digits if verb == "x" else digits.upper()
    return cut


def _of_number(value: int, verb: str) -> str:
    if verb == "c":
        return chr(value) if 0 <= value < 0x110000 else "\ufffd"
    if verb == "U":
        return f"U+{value:04X}"
    return f"{value:{'d' if verb == 'v' else verb}}"


def _padded(text: str, flags: str, width: int, *, is_number: bool) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and is_number:
        return text.zfill(width)
    return text.rjust(width)


def kind(value: object) -> str:
    """What a value is, for people."""
    names = {bool: "true or false", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "a time")
