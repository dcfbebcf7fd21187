"""One map of a configuration file, read against its table of keys."""

from __future__ import annotations

from builds.pipeline import fields
from builds.pipeline.keys import Support, Table
from builds.pipeline.nodes import Entry, Mapping, Node
from builds.pipeline.report import Report, clean

NOT_YET = "is not supported by this version yet"


class Section:
    """Typed access to the keys of a map; what the table does not know is reported when the section is made.

    `strict` is ciservice.yml: unknown keys are errors. CodeShip's files get warnings.
    """

    def __init__(self, node: Mapping, table: Table, report: Report, *, strict: bool) -> None:
        self.node = node
        self.report = report
        self._entries: dict[str, Entry] = {}
        for entry in node.entries:
            key = table.get(entry.key)
            if key is None:
                _report_unknown(entry, table, report, strict=strict)
            elif key.support is Support.WORKS:
                self._entries[entry.key] = entry
            else:
                _report_unsupported(entry, key.support, report, strict=strict)

    def entry(self, key: str) -> Entry | None:
        """The entry as it stands, for what is no plain value."""
        return self._entries.get(key)

    def first(self, *keys: str) -> Entry | None:
        """The entry of the first key that is there: newer spellings before older ones."""
        return next((self._entries[key] for key in keys if key in self._entries), None)

    def has(self, key: str) -> bool:
        """Whether something was written there."""
        entry = self._entries.get(key)
        return entry is not None and not is_null(entry.node)

    def text(self, *keys: str) -> str:
        """The text of the first of the keys; "" without."""
        entry = self.first(*keys)
        return fields.text(entry, self.report).strip() if entry else ""

    def script(self, key: str) -> str:
        """The text of the key with its blanks and line ends."""
        entry = self._entries.get(key)
        return fields.text(entry, self.report) if entry else ""

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of the key; () without."""
        entry = self._entries.get(key)
        return fields.texts(entry, self.report) if entry else ()

    def flag(self, key: str) -> bool:
        """Whether the key says yes."""
        entry = self._entries.get(key)
        return fields.flag(entry, self.report) if entry else False

    def pairs(self, key: str) -> dict[str, str]:
        """The names and values of the key."""
        entry = self._entries.get(key)
        return fields.pairs(entry, self.report) if entry else {}

    def ciphertexts(self, key: str) -> tuple[str, ...]:
        """A text, a list of texts, or a map's values: what stands under each is encrypted."""
        entry = self._entries.get(key)
        return fields.values(entry, self.report) if entry else ()

    def argv(self, key: str) -> tuple[str, ...] | None:
        """The words of the key; None without."""
        entry = self._entries.get(key)
        return fields.argv(entry, self.report) if entry else None

    def number(self, key: str, most: int) -> int | None:
        """The number of the key, from 0 to `most`; None without."""
        entry = self._entries.get(key)
        return fields.number(entry, most, self.report) if entry else None

    def seconds(self, key: str) -> int | None:
        """The duration of the key; None without."""
        entry = self._entries.get(key)
        return fields.seconds(entry, self.report) if entry else None


def is_null(node: Node) -> bool:
    """Whether nothing was written."""
    return getattr(node, "is_null", False)


def _report_unknown(entry: Entry, table: Table, report: Report, *, strict: bool) -> None:
    works = [key.name for key in table.values() if key.support is Support.WORKS]
    help_ = report.did_you_mean(entry.key, table, works)
    if strict:
        report.error(f"unknown key `{clean(entry.key, 80)}`: {help_}", entry)
    else:
        report.warn(f"unknown key `{clean(entry.key, 80)}` is ignored: {help_}", entry)


def _report_unsupported(entry: Entry, support: Support, report: Report, *, strict: bool) -> None:
    """What becomes of a key that is known and does nothing."""
    name = f"`{entry.key}`"
    errors = {Support.LATER: f"{name} {NOT_YET}: remove it to run without"}
    warnings = {Support.HARMLESS: f"{name} {NOT_YET} and is ignored"}
    if strict:
        errors[Support.FORBIDDEN] = f"{name} is not allowed: it would open the machine that the job runs on"
        errors[Support.WARNED] = f"{name} {NOT_YET}: remove it to run without"
        warnings[Support.SILENT] = f"{name} has no effect here"
    else:
        warnings[Support.FORBIDDEN] = f"{name} is ignored: it would open the machine that the job runs on"
        warnings[Support.WARNED] = f"{name} is ignored"
    if support in errors:
        report.error(errors[support], entry)
    elif support in warnings:
        report.warn(warnings[support], entry)
