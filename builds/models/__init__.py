"""The rows of this app."""

from builds.models.build import Build, BuildMove
from builds.models.connection import Connection
from builds.models.delivery import WebhookDelivery
from builds.models.job import Job, JobMove
from builds.models.kept import KeptPipelines
from builds.models.kept_files import Artifact, Cache
from builds.models.look import RepositoryLook
from builds.models.outbox import OutboxEntry, OutboxLane
from builds.models.project import Project, Secret
from builds.models.project_key import ProjectKey
from builds.models.reported import BadCase, Tally
from builds.models.runner import Runner
from builds.models.schedule import Schedule
from builds.models.step import Segment, Step

__all__ = [
    "Artifact",
    "BadCase",
    "Build",
    "BuildMove",
    "Cache",
    "Connection",
    "Job",
    "JobMove",
    "KeptPipelines",
    "OutboxEntry",
    "OutboxLane",
    "Project",
    "ProjectKey",
    "RepositoryLook",
    "Runner",
    "Schedule",
    "Secret",
    "Segment",
    "Step",
    "Tally",
    "WebhookDelivery",
]
