"""The forms of the pages: what people type, checked for shape; what it may mean is for the services to say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.db.models import QuerySet

from deployments.models import Environment
from deployments.services.freezes import LONGEST_REASON


class _Moment(forms.DateTimeInput):
    """The browser's own picker; it sends no zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class FreezeForm(forms.Form):
    """A time in which nothing goes. Times are on the clock of `zone`; nothing in `environment` means all."""

    environment = forms.ModelChoiceField(
        Environment.objects.none(),
        required=False,
        to_field_name="uuid",
        label="What",
    )
    reason = forms.CharField(max_length=LONGEST_REASON, help_text="People who wait for a release read it.")
    starts_at = forms.CharField(widget=_Moment(), required=False, label="From", help_text="Empty: from now on.")
    ends_at = forms.CharField(widget=_Moment(), label="Until")
    zone = forms.CharField(max_length=60, label="Time zone", help_text="Whose clock that is: UTC, Europe/Vienna …")

    def __init__(self, environments: QuerySet[Environment], *args: Any, may_freeze_all: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        what = cast("forms.ModelChoiceField[Environment]", self.fields["environment"])
        what.queryset = environments
        what.required = not may_freeze_all
        what.empty_label = "Every environment of the organisation" if may_freeze_all else None
        self.fields["zone"].widget.attrs["data-own-zone"] = ""

    def clean(self) -> dict[str, Any]:
        """The two moments, aware."""
        told = super().clean() or {}
        zone = told.get("zone", "").strip()
        if zone and zone not in available_timezones():
            self.add_error("zone", "There is no such zone: write one such as UTC or Europe/Vienna.")
        elif zone:
            for name in ("starts_at", "ends_at"):
                if text := told.get(name, ""):
                    told[name] = self._moment(name, text, zone)
        return told

    def _moment(self, name: str, text: str, zone: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.add_error(name, "This is no time: write it as 2027-01-31 18:00.")
            return None
