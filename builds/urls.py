"""Web addresses of this app."""

from django.urls import URLPattern, URLResolver, path

from builds.views import projects, search

urlpatterns: list[URLPattern | URLResolver] = [
    path("", projects.index, name="projects"),
    path("running", projects.running, name="running"),
    path("search", search.search, name="search"),
]
