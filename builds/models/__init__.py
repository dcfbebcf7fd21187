"""The rows of this app."""

from builds.models.build import Build, BuildMove
from builds.models.connection import Connection
from builds.models.delivery import WebhookDelivery
from builds.models.halt import Halt, QueueLimit
from builds.models.hosting import HostingStep, ReportedStatus
from builds.models.job import Job, JobMove
from builds.models.kept import KeptPipelines
from builds.models.kept_files import Artifact, Cache
from builds.models.leaving import Export, ProjectTransfer
from builds.models.look import RepositoryLook
from builds.models.outbox import OutboxEntry, OutboxLane
from builds.models.project import Project
from builds.models.project_key import ProjectKey
from builds.models.pull_request import PullRequest
from builds.models.reported import BadCase, Tally
from builds.models.retention import Retention
from builds.models.runner import JoinToken, Runner
from builds.models.schedule import Schedule
from builds.models.secret import Secret, SecretKind, SecretsGiven
from builds.models.signing_key import SigningKey
from builds.models.step import Segment, Step

__all__ = [
    "Artifact",
    "BadCase",
    "Build",
    "BuildMove",
    "Cache",
    "Connection",
    "Export",
    "Halt",
    "HostingStep",
    "Job",
    "JobMove",
    "JoinToken",
    "KeptPipelines",
    "OutboxEntry",
    "OutboxLane",
    "Project",
    "ProjectKey",
    "ProjectTransfer",
    "PullRequest",
    "QueueLimit",
    "ReportedStatus",
    "RepositoryLook",
    "Retention",
    "Runner",
    "Schedule",
    "Secret",
    "SecretKind",
    "SecretsGiven",
    "Segment",
    "SigningKey",
    "Step",
    "Tally",
    "WebhookDelivery",
]
