"""Every key that a configuration file may have: the one table behind validation, the JSON Schema and the documentation's test."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a key holds."""

    TEXT = "text"
    TEXTS = "texts"  # a text or a list of texts
    FLAG = "flag"
    DURATION = "duration"  # 90s, 3m, 1h30m
    ARGV = "argv"  # a text split like a shell would, or a list of words
    PAIRS = "pairs"  # a map, or a list of NAME=value
    CIPHERTEXTS = "ciphertexts"  # a text, a list of texts, or a map of them
    STEPS = "steps"
    SERVICES = "services"  # a map of services by name
    PIPELINES = "pipelines"
    DEPLOYMENTS = "deployments"
    BUILD = "build"  # a folder, or a map
    VOLUMES = "volumes"  # a list of texts, or of Compose's maps
    LINKS = "links"  # a list of services, or a map by service
    NUMBER = "number"
    WHEN = "when"  # a map of branch, tag, event and paths
    MATRIX = "matrix"  # a map of names and lists of values
    RETRY = "retry"  # a number, or a map
    CACHES = "caches"  # a map, or a list of them
    SCHEDULES = "schedules"  # a map, or a list of them
    SPAN = "span"  # a duration that may have days: 2d, 1d12h
    MILLISECONDS = "milliseconds"  # a duration that may be less than a second: 500ms, 2s
    DAYS = "days"  # 14d
    STATUSES = "statuses"  # 200, 2xx, or a list of them
    VERIFY = "verify"  # an address, a probe, a step, or a list of them
    APPROVAL = "approval"  # a role or a person, a list of them, or a map
    PERCENTS = "percents"  # 10%, or a list of them
    ROLLBACK = "rollback"  # auto, manual, or a map
    WATCH = "watch"  # a duration, or a map
    TARGET = "target"  # a map of one kind of target and its settings
    CONCURRENCY = "concurrency"  # supersede or queue
    ID_TOKENS = "id_tokens"  # a map of variables, and whom the token of each is for
    ANY = "any"


class Support(StrEnum):
    """What becomes of a key that is used."""

    WORKS = "works"
    LATER = "later"  # ignoring it would do something else than was asked for: an error
    HARMLESS = "harmless"  # ignoring it changes no outcome: a warning
    SILENT = "silent"  # CodeShip ignored it, and so does this; nobody needs to know
    WARNED = "warned"  # CodeShip ignored it; a warning, and in ciservice.yml an error
    FORBIDDEN = "forbidden"  # as WARNED, since it would open the runner's machine


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: what it holds, what becomes of it, and what it is for in one sentence."""

    name: str
    kind: Kind = Kind.ANY
    support: Support = Support.WORKS
    about: str = ""


Table = dict[str, Key]


def _table(*keys: Key) -> Table:
    return {key.name: key for key in keys}


def _all(names: str, support: Support) -> tuple[Key, ...]:
    return tuple(Key(name=name, support=support) for name in names.split())


_CONTAINER = (
    Key(
        name="image", kind=Kind.TEXT, about="The image that steps run in when they name none; else the instance's own."
    ),
    Key(name="environment", kind=Kind.PAIRS, about="Variables for every step."),
    Key(name="labels", kind=Kind.TEXTS, about="What a runner must have to take the job."),
    Key(name="timeout", kind=Kind.DURATION, about="How long the whole may take."),
    Key(name="id_tokens", kind=Kind.ID_TOKENS, about="Variables with a token that shows a cloud which job asks."),
)

ID_TOKEN = _table(
    Key(name="aud", kind=Kind.TEXTS, about="Whom the token is for: sts.amazonaws.com, an address."),
)

PIPELINE = _table(
    Key(name="steps", kind=Kind.STEPS, about="What is run, in order."),
    *_CONTAINER,
    Key(name="needs", kind=Kind.TEXTS, about="Pipelines that have to pass first."),
    Key(name="when", kind=Kind.WHEN, about="The pushes that it is for."),
    Key(name="matrix", kind=Kind.MATRIX, about="Runs once for each combination of these values."),
    Key(name="parallelism", kind=Kind.NUMBER, about="How many equal copies run side by side."),
    Key(name="allow_failure", kind=Kind.FLAG, about="The build passes though it fails."),
    Key(name="retry", kind=Kind.RETRY, about="How often it is tried again."),
    *_all("services concurrency", Support.LATER),
    Key(name="artifacts", kind=Kind.TEXTS, about="Files of the checkout that are kept with the build."),
    Key(name="cache", kind=Kind.CACHES, about="What is kept from build to build."),
    Key(name="tests", kind=Kind.TEXTS, about="Reports of tests in JUnit's XML, read when the job ends."),
    Key(name="split", kind=Kind.TEXTS, about="Files of tests that the copies of `parallelism` share out."),
    *_all("budget", Support.HARMLESS),
)

WHEN = _table(
    Key(name="branch", kind=Kind.TEXTS, about="Branches, by name or pattern; `!` in front takes some back."),
    Key(name="tag", kind=Kind.TEXTS, about="Tags, in the same way."),
    Key(name="event", kind=Kind.TEXTS, about="push, tag, pull_request, manual or schedule."),
    Key(name="paths", kind=Kind.TEXTS, about="Something under these paths has changed."),
)

RETRY = _table(
    Key(name="failed", kind=Kind.NUMBER, about="How often, where its own commands fail."),
    Key(name="errored", kind=Kind.NUMBER, about="How often, where our side breaks."),
)

CACHE = _table(
    Key(name="key", kind=Kind.TEXT, about="Under which name; `{{ checksum 'file' }}` and the like are filled in."),
    Key(name="paths", kind=Kind.TEXTS, about="What of the checkout is kept."),
    Key(name="restore_keys", kind=Kind.TEXTS, about="Beginnings of keys that will do where there is none of that key."),
)

FILE = _table(
    *PIPELINE.values(),
    Key(name="services", kind=Kind.SERVICES, about="Containers that steps run in or beside."),
    Key(name="pipelines", kind=Kind.PIPELINES, about="Pipelines by name; each becomes a job of its own."),
    Key(name="deployments", kind=Kind.DEPLOYMENTS, about="Environments by name, and the steps that deploy to them."),
    Key(name="schedule", kind=Kind.SCHEDULES, about="When to build without a push."),
    Key(name="budget", kind=Kind.DURATION, about="How long a build should take; who listens is told of a longer one."),
)

SCHEDULE = _table(
    Key(name="cron", kind=Kind.TEXT, about="Minute, hour, day of month, month, day of week; or @daily and the like."),
    Key(
        name="zone",
        kind=Kind.TEXT,
        about="The time zone that is meant, such as Europe/Vienna; UTC where it is left out.",
    ),
    Key(name="branch", kind=Kind.TEXT, about="The branch whose newest commit is built; else the default branch."),
    Key(name="pipelines", kind=Kind.TEXTS, about="The pipelines that run; else all of them."),
)

DEPLOYMENT = _table(
    Key(name="branch", kind=Kind.TEXTS, about="The branches that deploy here when their build passes."),
    Key(name="after", kind=Kind.TEXT, about="The environment that must have the release first."),
    Key(name="tag", kind=Kind.TEXTS, about="The tags that deploy here when their build passes."),
    Key(name="steps", kind=Kind.STEPS, about="What brings the release there, in order."),
    *_CONTAINER,
    Key(name="verify", kind=Kind.VERIFY, about="Addresses to open and commands to run after each stage."),
    Key(name="approval", kind=Kind.APPROVAL, about="Who has to agree before a release goes."),
    Key(name="window", kind=Kind.TEXTS, about="The times of the week in which releases go: Mon-Thu 18:00-22:00 UTC."),
    Key(name="canary", kind=Kind.PERCENTS, about="The shares that get the release before the whole does."),
    Key(name="bake", kind=Kind.DURATION, about="How long each stage has to stay right."),
    Key(name="rollback", kind=Kind.ROLLBACK, about="auto, manual, or a map: how a bad release is taken back."),
    Key(name="irreversible", kind=Kind.TEXTS, about="Paths: a release that changes one of them is never taken back."),
    Key(name="concurrency", kind=Kind.CONCURRENCY, about="supersede: of waiting releases the newest goes; or queue."),
    Key(name="watch", kind=Kind.WATCH, about="How often what is live is looked at by the addresses of `verify`."),
    Key(name="url", kind=Kind.TEXT, about="Where people see it."),
    *_all("when needs services", Support.LATER),
    *_all("budget", Support.HARMLESS),
)

PROBE = _table(
    Key(name="http", kind=Kind.TEXT, about="The address that is opened."),
    Key(name="expect", kind=Kind.STATUSES, about="The statuses that are right: 200, 2xx; else 2xx."),
    Key(name="body", kind=Kind.TEXT, about="What the answer holds; $CI_RELEASE and $CI_COMMIT_ID are filled in."),
    Key(name="under", kind=Kind.MILLISECONDS, about="The answer takes no longer: 500ms."),
    Key(name="within", kind=Kind.DURATION, about="It has to be right for the first time before that; else 2m."),
    Key(name="every", kind=Kind.DURATION, about="How often it is opened; else every 5s."),
    Key(name="failures", kind=Kind.NUMBER, about="So many in a row, once it was right, are one too many; else 1."),
    Key(name="tls", kind=Kind.DAYS, about="Its certificate is good for at least so long: 14d."),
)

APPROVAL = _table(
    Key(name="from", kind=Kind.TEXTS, about="Roles, and people by their e-mail address; one of them is enough."),
    Key(name="not_author", kind=Kind.FLAG, about="Whoever wrote the commit may not."),
    Key(name="expires", kind=Kind.SPAN, about="After which time nobody may any more; else 7d."),
)

ROLLBACK = _table(
    Key(name="automatic", kind=Kind.FLAG, about="A stage that turns out bad is taken back without asking."),
    Key(name="steps", kind=Kind.STEPS, about="What takes it back, instead of the steps of the release before."),
)

WATCH = _table(
    Key(name="every", kind=Kind.DURATION, about="How often; else every minute."),
    Key(name="failures", kind=Kind.NUMBER, about="So many in a row count as bad; else 3."),
)

_CREDENTIALS = (
    Key(name="encrypted_dockercfg_path", kind=Kind.TEXT, about="An encrypted file: who to be at registries."),
    Key(name="dockercfg_service", kind=Kind.TEXT, about="The service that writes who to be at registries."),
)

_STEP = (
    Key(name="name", kind=Kind.TEXT, about="What people see; made of the command where it is missing."),
    Key(name="type", kind=Kind.TEXT, about="run, push, serial, parallel, matrix or manual."),
    Key(name="service", kind=Kind.TEXT, about="The service whose container runs it; on a group, for every step in it."),
    Key(name="services", kind=Kind.TEXTS, about="On a group: its steps run once for each of these services."),
    Key(name="command", kind=Kind.ARGV, about="A program and its arguments, without a shell."),
    Key(name="steps", kind=Kind.STEPS, about="On a group: what is in it."),
    Key(name="tag", kind=Kind.TEXT, about="Run only where the branch or tag is called so, or matches."),
    Key(name="exclude", kind=Kind.TEXT, about="Do not run where the branch or tag is called so, or matches."),
    Key(name="on_fail", kind=Kind.STEPS, about="Steps that are run when it failed; it stays failed."),
    Key(name="image_name", kind=Kind.TEXT, about="Of a push step: where the image of its service goes."),
    Key(name="image_tag", kind=Kind.TEXT, about="Of a push step: the tag, perhaps a template; else latest."),
    Key(name="registry", kind=Kind.TEXT, about="Of a push step: the registry, where the name does not say it."),
    *_CREDENTIALS,
)

CODESHIP_STEP = _table(*_STEP)

STEP = _table(
    *_STEP,
    Key(name="run", kind=Kind.TEXT, about="A shell script; the first command that fails ends it."),
    Key(name="deploy", kind=Kind.TARGET, about="Of a deployment: the target that gets the release, with its settings."),
    Key(name="commands", kind=Kind.TEXTS, about="Command lines that share one shell; the first that fails ends it."),
    Key(name="image", kind=Kind.TEXT, about="An image of its own for this step."),
    Key(name="environment", kind=Kind.PAIRS, about="Variables for this step, or for every step of the group."),
    Key(name="timeout", kind=Kind.DURATION, about="How long this step may take."),
    Key(name="branch", kind=Kind.TEXTS, about="Run only for these branches."),
    Key(name="serial", kind=Kind.STEPS, about="A group whose steps run one after another."),
    Key(name="parallel", kind=Kind.STEPS, about="A group whose steps run at the same time."),
    Key(name="when", kind=Kind.WHEN, about="The pushes that it is for."),
    Key(name="allow_failure", kind=Kind.FLAG, about="What follows goes on though it fails."),
    Key(name="retry", kind=Kind.NUMBER, about="How often it is run again where it fails."),
    *_all("needs parallelism matrix working_dir", Support.LATER),
    *_all("budget tests artifacts cache", Support.HARMLESS),
)

SERVICE = _table(
    Key(name="image", kind=Kind.TEXT, about="The image to run."),
    Key(name="build", kind=Kind.BUILD, about="How its image is built from the checkout."),
    Key(name="dockerfile", kind=Kind.TEXT, about="The Dockerfile beside a `build` that is a text."),
    Key(name="command", kind=Kind.ARGV, about="What it runs beside a step; a step's own command replaces it."),
    Key(name="entrypoint", kind=Kind.ARGV, about="Replaces the image's entrypoint."),
    Key(name="environment", kind=Kind.PAIRS, about="Variables in its containers."),
    Key(name="env_file", kind=Kind.TEXTS, about="Files of NAME=value lines; they win over `environment`."),
    Key(name="volumes", kind=Kind.VOLUMES, about="Folders of the checkout, or volumes, inside its containers."),
    Key(name="volumes_from", kind=Kind.TEXTS, about="Services whose volumes it sees too."),
    Key(name="depends_on", kind=Kind.LINKS, about="Services that run beside it."),
    Key(name="links", kind=Kind.LINKS, about="As `depends_on`; `db:database` adds a host name."),
    Key(name="working_dir", kind=Kind.TEXT, about="The folder its commands start in."),
    Key(name="user", kind=Kind.TEXT, about="Who its commands run as."),
    Key(name="hostname", kind=Kind.TEXT, about="What the container calls itself."),
    Key(name="extra_hosts", kind=Kind.PAIRS, about="Further lines of /etc/hosts, `name:address`."),
    Key(name="healthcheck", about="How to ask whether it is ready; a step waits until it is."),
    Key(name="add_docker", kind=Kind.FLAG, about="A Docker engine of the job's own inside its containers."),
    Key(
        name="encrypted_environment",
        kind=Kind.CIPHERTEXTS,
        about="Encrypted NAME=value lines; they win over `environment`.",
    ),
    Key(name="encrypted_env_file", kind=Kind.TEXTS, about="Files of such lines; they win over everything else."),
    *_CREDENTIALS,
    Key(name="cached", kind=Kind.FLAG, about="Keep the layers of its image for later builds, for each branch."),
    Key(name="default_cache_branch", kind=Kind.TEXT, about="Whose layers to begin with where a branch has none."),
    *_all(
        "cgroup_parent container_name cpu_quota cpu_shares cpuset external_links extends group_add init isolation"
        " labels log_driver log_opt logging mac_address memswap_limit mem_swappiness networks oom_scope_adj ports"
        " expose restart stdin_open stop_grace_period stop_signal tty ulimits volume_driver profiles platform",
        Support.SILENT,
    ),
    *_all("cap_drop dns dns_search domainname mem_limit read_only shm_size tmpfs", Support.WARNED),
    *_all("cap_add devices ipc network_mode pid privileged security_opt sysctls userns_mode", Support.FORBIDDEN),
)

HEALTHCHECK = _table(
    Key(
        name="test", kind=Kind.ARGV, about="A text for the image's shell, or a list that begins with CMD or CMD-SHELL."
    ),
    Key(name="interval", kind=Kind.TEXT, about="How often: 1m30s, 500ms."),
    Key(name="timeout", kind=Kind.TEXT, about="How long one answer may take."),
    Key(name="retries", kind=Kind.TEXT, about="After how many failures in a row it is unhealthy."),
    Key(name="start_period", kind=Kind.TEXT, about="How long failures do not count at the beginning."),
    Key(name="disable", kind=Kind.FLAG, about="Ask nothing, although the image has a check."),
)

BUILD = _table(
    Key(name="context", kind=Kind.TEXT, about="The folder that is sent to the build."),
    Key(name="path", kind=Kind.TEXT, about="CodeShip's older word for `context`."),
    Key(name="dockerfile", kind=Kind.TEXT, about="The Dockerfile, relative to the context."),
    Key(name="dockerfile_path", kind=Kind.TEXT, about="CodeShip's older word for `dockerfile`."),
    Key(name="image", kind=Kind.TEXT, about="What the built image is called."),
    Key(name="name", kind=Kind.TEXT, about="The same as `image`."),
    Key(name="args", kind=Kind.PAIRS, about="Build arguments."),
    Key(name="target", kind=Kind.TEXT, about="The stage of the Dockerfile to build."),
    Key(name="encrypted_args", kind=Kind.CIPHERTEXTS, about="Encrypted NAME=value lines; they win over `args`."),
    Key(name="encrypted_args_file", kind=Kind.TEXTS, about="Files of such lines; they win over both."),
    *_all("cache_from configure shm_size", Support.WARNED),
    *_all("network", Support.FORBIDDEN),
    *_all("labels cached", Support.SILENT),
)
