"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, path

from notifications.views import catcher, dead, rules, unsubscribe, wishes

_PROJECT = "projects/<uuid:uuid>/notifications"
_RULE = f"{_PROJECT}/<uuid:rule_uuid>"
_DEAD = "organizations/<uuid:organization_uuid>/messages"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_PROJECT}/", rules.notifications, name="notifications"),
    path(_RULE, rules.edit, name="rule_edit"),
    path(f"{_RULE}/toggle", rules.toggle, name="rule_toggle"),
    path(f"{_RULE}/remove", rules.remove, name="rule_remove"),
    path(f"{_RULE}/test", rules.test, name="rule_test"),
    path(f"{_RULE}/secret", rules.secret, name="rule_secret"),
    path(f"{_PROJECT}/messages/<uuid:message_uuid>/again", rules.again, name="message_again"),
    path(_DEAD, dead.dead, name="dead_messages"),
    path(f"{_DEAD}/again", dead.dead_again, name="dead_again"),
    path(f"{_DEAD}/drop", dead.dead_drop, name="dead_drop"),
    path("account/notifications", wishes.wishes, name="wishes"),
    path("account/browsers", wishes.browser_add, name="browser_add"),
    path("account/browsers/key", wishes.push_key, name="push_key"),
    path("account/browsers/<uuid:browser_uuid>/remove", wishes.browser_remove, name="browser_remove"),
    path("push-worker.js", wishes.push_worker, name="push_worker"),
    path("unsubscribe/<str:signed>", unsubscribe.unsubscribe, name="unsubscribe"),
    path("sent", catcher.sent, name="sent"),
    path("catch/<str:catch_token>", catcher.catch, name="catch"),
]
