"""Web addresses of runners, and of the switch that stops all new work."""

from django.urls import URLPattern, path

from builds.views import halts, join, runners

_RUNNER = "runners/<int:runner_id>/"

urlpatterns: list[URLPattern] = [
    path("runners", runners.index, name="runners"),
    path("runners/join", join.runner_join, name="runner_join"),
    path("runners/tokens", runners.token_make, name="join_token_make"),
    path("runners/tokens/<uuid:join_token_uuid>/revoke", runners.token_revoke, name="join_token_revoke"),
    path(f"{_RUNNER}pause", runners.pause, name="runner_pause"),
    path(f"{_RUNNER}resume", runners.resume, name="runner_resume"),
    path(f"{_RUNNER}drain", runners.drain, name="runner_drain"),
    path(f"{_RUNNER}revoke", runners.revoke, name="runner_revoke"),
    path(f"{_RUNNER}forget", runners.forget, name="runner_forget"),
    path("halt", halts.index, name="halt"),
    path("halt/throw", halts.throw, name="halt_throw"),
    path("halt/lift", halts.lift, name="halt_lift"),
]
