"""The services of Apprise that a rule may name: those that are reached by HTTP. No local ones, no mail, no programs.

What can read files, run commands or speak to this machine (file, exec, dbus, syslog, mailto and their like) is not here, nor
what takes an address of any kind for itself (json, xml, form, apprise): a signed webhook does that better.
"""

from __future__ import annotations

SERVICES: dict[str, tuple[str, ...]] = {
    "Bark": ("bark", "barks"),
    "Cliq": ("cliq",),
    "DingTalk": ("dingtalk",),
    "Feishu": ("feishu",),
    "Flock": ("flock",),
    "Google Chat": ("gchat",),
    "Gotify": ("gotify", "gotifys"),
    "GroupMe": ("groupme",),
    "Guilded": ("guilded",),
    "IFTTT": ("ifttt",),
    "incident.io": ("incidentio",),
    "Join": ("join",),
    "Lark": ("lark",),
    "LINE": ("line",),
    "Mastodon": ("mastodon", "mastodons"),
    "Matrix": ("matrix", "matrixs"),
    "Misskey": ("misskey", "misskeys"),
    "Nextcloud Talk": ("nctalk", "nctalks"),
    "ntfy": ("ntfy", "ntfys"),
    "Opsgenie": ("opsgenie",),
    "PagerDuty": ("pagerduty",),
    "Prowl": ("prowl",),
    "Pushbullet": ("pbul",),
    "Pushover": ("pover",),
    "Revolt": ("revolt",),
    "Rocket.Chat": ("rocket", "rockets"),
    "Ryver": ("ryver",),
    "SIGNL4": ("signl4",),
    "SimplePush": ("spush",),
    "Splunk On-Call": ("splunk", "victorops"),
    "Squadcast": ("squadcast",),
    "Telegram": ("tgram",),
    "Twist": ("twist",),
    "Webex": ("wxteams", "webex"),
    "WeCom": ("wecombot",),
    "Zoom": ("zoom",),
}
SCHEMAS = frozenset(schema for schemas in SERVICES.values() for schema in schemas)


def service_of(address: str) -> str:
    """The service that an address such as tgram://… belongs to; "" where it is none of ours."""
    schema = address.partition("://")[0].lower()
    return next((name for name, schemas in SERVICES.items() if schema in schemas), "")
