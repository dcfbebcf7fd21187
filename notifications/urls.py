"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, path

from notifications.views import rules

_PROJECT = "projects/<uuid:uuid>/notifications"
_RULE = f"{_PROJECT}/<uuid:rule_uuid>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_PROJECT}/", rules.notifications, name="notifications"),
    path(_RULE, rules.edit, name="rule_edit"),
    path(f"{_RULE}/toggle", rules.toggle, name="rule_toggle"),
    path(f"{_RULE}/remove", rules.remove, name="rule_remove"),
    path(f"{_RULE}/test", rules.test, name="rule_test"),
]
