"""Every setting of the service, read once from the environment; what cannot work stops start-up with the reason.

`CISERVICE_MODE` is `production` (the default), or `embedded` (what `ciservice up` starts: SQLite, its own Redis,
one machine). docs/operations.md lists every variable.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from ciservice import env, logs
from ciservice.sign_in_settings import *  # noqa: F403  # settings of one matter, read in one place

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

MODE = env.text("CISERVICE_MODE", "production")
if MODE not in {"production", "embedded"}:
    raise ImproperlyConfigured(f"CISERVICE_MODE={MODE!r}: use production or embedded")
PRODUCTION = MODE == "production"

DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).absolute()

DEBUG = env.flag("DEBUG")
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG shows secrets to strangers: unset it, or set CISERVICE_MODE=embedded")

SECRET_KEY = env.needed_secret("SECRET_KEY")
# Seals secrets at rest; the first seals, all open. Apart from SECRET_KEY, so that either can be changed alone.
SEALING_KEYS = [env.needed_secret("SEALING_KEY"), *[key for key in env.secret("OLD_SEALING_KEYS").split(",") if key]]

# What runners need of SECRET_KEY, so that the key itself, which signs what people are sent, never leaves the web's machine.
INSTANCE = env.text("INSTANCE") or hashlib.sha256(b"instance:" + SECRET_KEY.encode()).hexdigest()[:12]
RECORD_KEY = (
    env.secret("RECORD_KEY")
    or hmac.new(SECRET_KEY.encode(), b"ciservice: hashes of secrets", hashlib.sha256).hexdigest()
)

PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise ImproperlyConfigured(
        f"PUBLIC_URL={PUBLIC_URL!r}: give the address that people type, such as https://ci.example.com"
    )
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [_public.hostname, "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "ciservice.apps.CiserviceConfig",
    "accounts.apps.AccountsConfig",
    "runners.apps.RunnersConfig",
    "builds.apps.BuildsConfig",
    "deployments.apps.DeploymentsConfig",
    "notifications.apps.NotificationsConfig",
]

MIDDLEWARE = [
    "ciservice.request_context.RequestContextMiddleware",
    "ciservice.proxies.ProxiesMiddleware",
    "accounts.request_address.RequestAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.seen.SeenMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ciservice.headers.SecurityHeadersMiddleware",
]

ROOT_URLCONF = "ciservice.urls"
ASGI_APPLICATION = "ciservice.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "builds.views.context.frame",
            ],
            "builtins": ["builds.views.tags"],
        },
    }
]


def _database(url: str) -> dict[str, object]:
    """Django's settings for a `postgres://` or `sqlite:///` address."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "/" + unquote(parts.path).lstrip("/"),
            "OPTIONS": {
                # A deferred transaction that turns to writing fails at once with "database is locked", whatever the
                # timeout; IMMEDIATE waits its turn (reliability.md, C29).
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
            },
            "CONN_MAX_AGE": None,
        }
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": env.secret("DATABASE_PASSWORD") or unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": {
                "connect_timeout": 5,
                "options": "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=15000",
                "application_name": "ciservice",
            },
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured("DATABASE_URL: use postgres://user:password@host/name or sqlite:////path/to/file")


DATABASES = {"default": _database(env.secret("DATABASE_URL") or f"sqlite:///{DATA_DIR}/ciservice.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.secret("REDIS_URL", default="redis://127.0.0.1:6379/0")
# The same two as machines with runners reach them; what `ciservice join` is told.
RUNNER_DATABASE_URL = env.secret("RUNNER_DATABASE_URL")
RUNNER_REDIS_URL = env.secret("RUNNER_REDIS_URL")
# What all web processes must know of together, codes that were used for one: in the database, where the accounts are.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Reverse proxies of ours before the service that append to X-Forwarded-For: whose addresses are counted and noted.
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, most=10)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "projects"
LOGOUT_REDIRECT_URL = "login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if _public.scheme == "https":
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 26 * 1024 * 1024  # a webhook may have 25 MiB; builds/webhooks answers 413 above that

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGE_DIR = env.text("STORAGE_DIR") or str(DATA_DIR / "storage")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": STORAGE_DIR},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Who may make organisations; who makes one owns it.
ORGANIZATIONS = env.text("ORGANIZATIONS", "administrators" if PRODUCTION else "anybody")
if ORGANIZATIONS not in {"anybody", "administrators"}:
    raise ImproperlyConfigured(f"ORGANIZATIONS={ORGANIZATIONS!r}: use anybody or administrators")

# Lets who sends it as a bearer token read /metrics; without one only this machine may.
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# --- Messages -------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", f"ciservice@{_public.hostname}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_HOST = env.text("SMTP_HOST")
EMAIL_PORT = env.whole("SMTP_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("SMTP_USER")
EMAIL_HOST_PASSWORD = env.secret("SMTP_PASSWORD")
EMAIL_USE_TLS = env.flag("SMTP_STARTTLS")
EMAIL_USE_SSL = env.flag("SMTP_TLS")
EMAIL_TIMEOUT = 15
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "django.core.mail.backends.filebased.EmailBackend"
)
# Hosts inside the network that outgoing webhooks may reach all the same: names or addresses, with or without a port.
OUTBOUND_ALLOWED_HOSTS = env.words("OUTBOUND_ALLOWED_HOSTS")
# What our line beside a commit is called at the git host, where a project says nothing.
STATUS_CONTEXT = env.text("STATUS_CONTEXT", "ciservice")
if not 1 <= len(STATUS_CONTEXT) <= 100 or not STATUS_CONTEXT.isprintable():
    raise ImproperlyConfigured("STATUS_CONTEXT: give at most 100 characters, such as continuous-integration/codeship")
# Certificates (PEM) of authorities that outgoing calls trust beside the public ones.
OUTBOUND_CA_FILE = env.text("OUTBOUND_CA_FILE")
if OUTBOUND_CA_FILE and not Path(OUTBOUND_CA_FILE).is_file():
    raise ImproperlyConfigured(f"OUTBOUND_CA_FILE={OUTBOUND_CA_FILE!r} is not a file")

# --- Execution ------------------------------------------------------------------------------------------------
EXECUTOR = env.text("EXECUTOR", "docker")
if EXECUTOR not in {"docker", "process", "fake"}:
    raise ImproperlyConfigured(f"EXECUTOR={EXECUTOR!r}: use docker or process")
if PRODUCTION and EXECUTOR != "docker":
    raise ImproperlyConfigured(f"EXECUTOR={EXECUTOR} runs strangers' commands on this host: production needs docker")
EXECUTOR_NOTE = env.text("EXECUTOR_NOTE")  # shown on build pages: why the process executor runs here
DOCKER_URL = env.text("DOCKER_HOST", "unix:///var/run/docker.sock")
DOCKER_ROOT = env.text("DOCKER_ROOT", "/var/lib/docker")  # where that engine keeps its data, watched for room
MIN_FREE_DISK_MB = env.whole("MIN_FREE_DISK_MB", 512)  # below it no job begins; 0 = no floor
DEFAULT_IMAGE = env.text("DEFAULT_IMAGE", "debian:bookworm-slim")
RUNNER_NAME = env.text("RUNNER_NAME")
RUNNER_LABELS = env.words("RUNNER_LABELS")
RUNNER_SERVES = env.text("RUNNER_SERVES", "all")
if RUNNER_SERVES not in {"all", "trusted", "forks"}:
    raise ImproperlyConfigured(f"RUNNER_SERVES={RUNNER_SERVES!r}: use all, trusted or forks")
try:  # the uuid of the one organisation that this runner works for; "" = all
    RUNNER_ORGANIZATION = UUID(_organization) if (_organization := env.text("RUNNER_ORGANIZATION")) else None
except ValueError:
    raise ImproperlyConfigured(f"RUNNER_ORGANIZATION={_organization!r}: give the organisation's uuid") from None
RUNNER_CAPACITY = env.whole("RUNNER_CAPACITY", 4, least=1, most=256)
RUNNER_POLL_SECONDS = env.whole("RUNNER_POLL_SECONDS", 3, least=1, most=60)
STEP_MEMORY_MB = env.whole("STEP_MEMORY_MB", 4096, least=16)
STEP_CPUS = env.whole("STEP_CPUS", 0)  # 0: as many as the machine has
STEP_PIDS = env.whole("STEP_PIDS", 2048, least=32)
IMAGE_BUILDER = env.text("IMAGE_BUILDER", "auto")  # classic, buildkit, or auto: BuildKit where a Dockerfile needs it
if IMAGE_BUILDER not in {"auto", "classic", "buildkit"}:
    raise ImproperlyConfigured(f"IMAGE_BUILDER={IMAGE_BUILDER!r}: use auto, classic or buildkit")
IMAGE_CACHE = env.text("IMAGE_CACHE")  # a folder, or host/prefix of a registry; "" = built images stay on their runner
IMAGE_CACHE_LOGIN = env.secret("IMAGE_CACHE_LOGIN")  # user:password at that registry
IMAGE_CACHE_GB = env.whole("IMAGE_CACHE_GB", 20, least=1)
PRIVATE_ENGINE = env.text("PRIVATE_ENGINE")  # rootless, privileged or runtime; "" = no job gets a Docker engine
if PRIVATE_ENGINE not in {"", "rootless", "privileged", "runtime"}:
    raise ImproperlyConfigured(
        f"PRIVATE_ENGINE={PRIVATE_ENGINE!r}: use rootless, privileged or runtime, or leave it out"
    )
PRIVATE_ENGINE_IMAGE = env.text("PRIVATE_ENGINE_IMAGE", "ciservice-engine")
PRIVATE_ENGINE_RUNTIME = env.text("PRIVATE_ENGINE_RUNTIME")  # e.g. sysbox-runc
if PRIVATE_ENGINE == "runtime" and not PRIVATE_ENGINE_RUNTIME:
    raise ImproperlyConfigured("PRIVATE_ENGINE=runtime needs PRIVATE_ENGINE_RUNTIME, such as sysbox-runc")
PRIVATE_ENGINE_FOR_FORKS = env.flag("PRIVATE_ENGINE_FOR_FORKS")  # a privileged one, too
CONTAINER_RUNTIME = env.text("CONTAINER_RUNTIME")  # e.g. runsc (gVisor); "" = the engine's own
# A folder of the runner's host lent to deployments, one sub-folder a project; "" = none. The demo deploys there.
DEPLOY_FOLDER = env.text("DEPLOY_FOLDER")
LEASE_SECONDS = env.whole("LEASE_SECONDS", 60, least=2)
HEARTBEAT_SECONDS = LEASE_SECONDS / 4
SELF_FENCE_SECONDS = LEASE_SECONDS * 3 / 4
REAP_SECONDS = max(LEASE_SECONDS / 4, 1)
DRAIN_SECONDS = env.whole("DRAIN_SECONDS", 600)
BUILD_TIMEOUT_SECONDS = env.whole("BUILD_TIMEOUT_SECONDS", 3600, least=1)
SILENCE_TIMEOUT_SECONDS = env.whole("SILENCE_TIMEOUT_SECONDS", 900, least=1)
# How often the branches of active projects are looked at for pushes whose webhook never came; 0 = never.
RECONCILE_MINUTES = env.whole("RECONCILE_MINUTES", 10, most=1440)
# What one token may ask of the API; 0 = as much as it likes. CodeShip allowed 60.
API_REQUESTS_A_MINUTE = env.whole("API_REQUESTS_A_MINUTE", 6000)
# What one hook may send to each web process; after some rest ten times as many at once. 0 = as many as it likes.
WEBHOOKS_A_MINUTE = env.whole("WEBHOOKS_A_MINUTE", 60, most=1_000_000)
QUEUE_LIMIT = env.whole(
    "QUEUE_LIMIT", 1000, least=1
)  # builds of one organisation that may wait; an organisation may have its own
LOG_CAP_BYTES = env.whole("LOG_CAP_MB", 64, least=1, most=1024) * 1024 * 1024
# Days after which something goes; 0 = never. Organisations may have their own (services/retention.py).
BUILD_DAYS = env.whole("BUILD_DAYS", 0)
LOG_DAYS = env.whole("LOG_DAYS", 0)
ARTIFACT_DAYS = env.whole("ARTIFACT_DAYS", 30)
CACHE_DAYS = env.whole("CACHE_DAYS", 14)  # without being used
CACHE_BYTES = env.whole("CACHE_MB", 5120, least=1) * 1024 * 1024  # of a project
# Repositories on this machine (file paths) may be built: only for the embedded default and its demo.
ALLOW_LOCAL_REPOSITORIES = env.flag("ALLOW_LOCAL_REPOSITORIES", default=not PRODUCTION)
# Targets of the git fetch that may lie in private networks: host names, or * for all.
GIT_ALLOWED_HOSTS = env.words("GIT_ALLOWED_HOSTS")
# Where `deploy` steps may connect to on the runner itself or its link: host names, addresses, paths of Unix sockets, or *.
TARGET_ALLOWED_HOSTS = env.words("TARGET_ALLOWED_HOSTS")

# A collector of OpenTelemetry traces, such as http://127.0.0.1:4318; "" = no traces. Its SDK reads OTEL_… itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
LOG_FORMAT = env.text("LOG_FORMAT", "plain")
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT={LOG_FORMAT!r}: use {' or '.join(logs.FORMATS)}")
LOGGING = logs.config(LOG_FORMAT, env.text("LOG_LEVEL", "INFO"))
