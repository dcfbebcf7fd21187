"""The service's settings on the tests' own servers."""

import os
import secrets
import tempfile

from tests import servers

servers.ensure()
os.environ.update(
    CISERVICE_MODE="embedded",
    DATABASE_URL=os.environ["TEST_DATABASE_URL"],
    REDIS_URL=os.environ["TEST_REDIS_URL"],
    DATA_DIR=os.environ.setdefault("TEST_DATA_DIR", tempfile.mkdtemp(prefix="ci-test-", dir="/tmp")),
    PUBLIC_URL="http://testserver",
)
for _name in ("SECRET_KEY", "SEALING_KEY"):
    os.environ.setdefault(_name, secrets.token_urlsafe(48))

from ciservice.settings import *  # noqa: E402, F403

DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": f"{DATA_DIR}/test-{os.getpid()}.sqlite3"}  # noqa: F405
else:
    DATABASES["default"]["TEST"] = {"NAME": "test_ciservice"}  # noqa: F405
API_REQUESTS_A_MINUTE = 0  # tests of the limit set one
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405  # whitenoise warns where it is missing
