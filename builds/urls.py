"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, include, path

from builds.views import (
    again,
    approve,
    artifacts,
    build,
    builds,
    events,
    pipelines,
    project_key,
    projects,
    search,
    settings,
    setup_script,
    steps,
)

_PROJECT = "projects/<uuid:uuid>/"
_BUILD = f"{_PROJECT}builds/<int:number>"
_STEP = f"{_BUILD}/steps/<uuid:step_uuid>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("builds.organization_urls")),
    path("", include("builds.secret_urls")),
    path("", include("builds.hosting_urls")),
    path("", projects.index, name="projects"),
    path("running", projects.running, name="running"),
    path("search", search.search, name="search"),
    path("events", events.projects_events, name="projects_events"),
    path("post-receive", setup_script.post_receive, name="post_receive"),
    path("new", settings.create, name="project_create"),
    path("", include("builds.runner_urls")),
    path(_PROJECT, builds.index, name="project"),
    path(f"{_PROJECT}build", builds.build_new, name="build_new"),
    path(f"{_PROJECT}events", events.project_events, name="project_events"),
    path(f"{_PROJECT}setup", settings.setup, name="project_setup"),
    path(f"{_PROJECT}settings", settings.settings, name="project_settings"),
    path(f"{_PROJECT}settings/pipelines", pipelines.pipelines, name="project_pipelines"),
    path(f"{_PROJECT}settings/pipelines/preview", pipelines.preview, name="project_pipelines_preview"),
    path(f"{_PROJECT}settings/pipelines/ciservice.yml", pipelines.export, name="project_pipelines_export"),
    path(f"{_PROJECT}settings/hook-secret", settings.renew_secret, name="hook_secret_renew"),
    path(f"{_PROJECT}settings/key", project_key.put, name="key_put"),
    path(f"{_PROJECT}settings/key/new", project_key.renew, name="key_renew"),
    path(f"{_PROJECT}settings/key/codeship.aes", project_key.download, name="key_download"),
    path(f"{_BUILD}/", build.build, name="build"),
    path(f"{_BUILD}/cancel", build.build_cancel, name="build_cancel"),
    path(f"{_BUILD}/approve", approve.build_approve, name="build_approve"),
    path(f"{_BUILD}/again", again.build_again, name="build_again"),
    path(f"{_BUILD}/replay", again.build_replay, name="build_replay"),
    path(f"{_BUILD}/retry", build.build_retry, name="build_retry"),
    path(f"{_BUILD}/artifacts/<uuid:artifact_uuid>", artifacts.artifact, name="artifact"),
    path(f"{_BUILD}/events", events.build_events, name="build_events"),
    path(f"{_STEP}/lines", steps.lines, name="step_lines"),
    path(f"{_STEP}/search", steps.find, name="step_search"),
    path(f"{_STEP}/raw", steps.raw, name="step_raw"),
]
