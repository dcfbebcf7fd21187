"""A stand-in for Elastic Beanstalk's versions and updates, which moto does not play; S3 beside it is moto's.

It answers as the API reference says, and refuses what the real one refuses: a version without its bundle in S3, a label
twice, an update of an environment that is not ready or to a version that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from tests.runners.targets.aws.conftest import Aws, Call, xml_refusal

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Beanstalk:
    """The application "shop" with an environment "shop-production". An update takes `takes` looks, and ends in `ends`."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.versions: dict[str, dict[str, str]] = {}
        self.environment = {"Status": "Ready", "Health": "Green", "VersionLabel": "hand-made"}
        self.events: list[tuple[datetime, str, str]] = [(START, "INFO", "Environment health is Green.")]
        self.takes, self.ends = 2, "green"
        self.looks = 0
        self._before = ""
        for name in (
            "DescribeEnvironments",
            "DescribeApplicationVersions",
            "CreateApplicationVersion",
            "UpdateEnvironment",
            "DescribeEvents",
        ):
            aws.on(name, getattr(self, f"_{name}"))

    def happens(self, severity: str, message: str) -> None:
        self.events.append((self.events[-1][0] + timedelta(seconds=1), severity, message))

    def _DescribeEnvironments(self, call: Call) -> Response:
        if (call.form["ApplicationName"], call.form["EnvironmentNames.member.1"]) != ("shop", "shop-production"):
            return answer(call, {"Environments": []})
        if self.environment["Status"] == "Updating":
            self.looks += 1
            if self.looks >= self.takes:
                self._end()
        return answer(call, {"Environments": [{"EnvironmentName": "shop-production", **self.environment}]})

    def _end(self) -> None:
        self.environment["Status"] = "Ready"
        if self.ends == "green":
            self.environment["Health"] = "Green"
            self.happens("INFO", "Environment update completed successfully.")
        elif self.ends == "red":
            self.environment["Health"] = "Red"
            self.happens("ERROR", "100.0 % of the requests are failing with HTTP 5xx.")
        elif self.ends == "back":
            self.environment.update(Health="Green", VersionLabel=self._before)
            self.happens("ERROR", "Failed to deploy application.")
        else:
            self.environment["Status"] = self.ends

    def _DescribeApplicationVersions(self, call: Call) -> Response:
        found = self.versions.get(call.form["VersionLabels.member.1"])
        return answer(call, {"ApplicationVersions": [found] if found else []})

    def _CreateApplicationVersion(self, call: Call) -> Response:
        label, bucket, key = (
            call.form[name] for name in ("VersionLabel", "SourceBundle.S3Bucket", "SourceBundle.S3Key")
        )
        if label in self.versions:
            return xml_refusal("InvalidParameterValue", f"Application Version {label} already exists.")
        if not self.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
            return xml_refusal("InvalidParameterCombination", "Unable to download from S3 location")
        self.versions[label] = {"VersionLabel": label, "Status": "UNPROCESSED"}
        return answer(call, {"ApplicationVersion": self.versions[label]})

    def _UpdateEnvironment(self, call: Call) -> Response:
        label = call.form["VersionLabel"]
        if label not in self.versions:
            return xml_refusal("InvalidParameterValue", f"No Application Version named '{label}' found.")
        if self.environment["Status"] != "Ready":
            return xml_refusal("InvalidParameterValue", "Environment is in an invalid state. Must be Ready.")
        self._before, self.looks = self.environment["VersionLabel"], 0
        self.environment.update(Status="Updating", Health="Grey", VersionLabel=label)
        self.happens("INFO", "Environment update is starting.")
        return answer(call, {"EnvironmentName": "shop-production", **self.environment})

    def _DescribeEvents(self, call: Call) -> Response:
        since = call.form.get("StartTime")
        start = datetime.fromisoformat(since.replace("Z", "+00:00")) if since else START
        newest_first = [one for one in reversed(self.events) if one[0] >= start]
        shown = newest_first[: int(call.form["MaxRecords"])]
        return answer(
            call,
            {"Events": [{"EventDate": at.isoformat(), "Severity": how, "Message": what} for at, how, what in shown]},
        )


def answer(call: Call, result: Mapping[str, Any]) -> Response:
    """The query protocol's frame around a result."""
    text = f"<{call.name}Response><{call.name}Result>{_xml(result)}</{call.name}Result></{call.name}Response>"
    return Response(text, content_type="text/xml")


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "".join(f"<member>{_xml(inner)}</member>" for inner in value)
    return escape(str(value))
