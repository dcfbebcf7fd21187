"""The door to AWS: clients with the project's keys and nothing else, and what AWS says in words for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError
from botocore.exceptions import ConnectionError as NoConnectionError

from runners.targets.aws_settings import AwsSettings
from runners.targets.contract import Delivery, TargetError
from runners.targets.waiting import PassingError

ATTEMPTS = 4  # of one call; whoever waits asks again
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_NOT_THE_KEY = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled"}
_TOO_MANY = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
}
_MOST_SHOWN = 800


def client(service: str, settings: AwsSettings, delivery: Delivery) -> Any:
    """A client of one of AWS's services. TargetError where keys or region are missing.

    What the runner's own machine may do at AWS (its role, its files, its environment) is never used.
    """
    values = delivery.values
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", os.devnull)
    core.set_config_variable("credentials_file", os.devnull)
    session = boto3.Session(
        aws_access_key_id=settings.aws_access_key_id or _needed(values, "AWS_ACCESS_KEY_ID", "aws_access_key_id"),
        aws_secret_access_key=settings.aws_secret_access_key
        or _needed(values, "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
        aws_session_token=_session_token(settings, values),
        region_name=_region(settings, values),
        botocore_session=core,
    )
    with explained():
        try:
            return session.client(service, endpoint_url=settings.endpoint_url or None, config=_config(settings))
        except ValueError as error:  # botocore's own for an address or region that is none
            raise TargetError(f"{error}".rstrip(".")[:_MOST_SHOWN] + ": look at `region` and `endpoint_url`.") from None


@contextmanager
def explained() -> Iterator[None]:
    """What AWS refuses inside becomes a TargetError, a PassingError where it may pass."""
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from None
    except BotoCoreError as error:
        raise _no_answer(error) from None


def error_code(error: ClientError) -> str:
    """Such as `NoSuchBucket`; for an answer without text its status, such as `404`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def bucket_and_folder(text: str) -> tuple[str, str]:
    """("shop", "www/") of `shop/www` or `s3://shop/www/`."""
    bucket, _, folder = text.removeprefix("s3://").partition("/")
    folder = "/".join(part for part in folder.split("/") if part)
    return bucket, f"{folder}/" if folder else ""


def _session_token(settings: AwsSettings, values: Mapping[str, str]) -> str | None:
    """The environment's token belongs to the environment's key only."""
    if settings.aws_access_key_id:
        return settings.aws_session_token or None
    return settings.aws_session_token or values.get("AWS_SESSION_TOKEN") or None


def _needed(values: Mapping[str, str], name: str, field: str) -> str:
    if not values.get(name):
        raise TargetError(f"There is no secret {name}: set it for the project or the environment, or give `{field}`.")
    return values[name]


def _region(settings: AwsSettings, values: Mapping[str, str]) -> str:
    region = settings.region or values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION")
    if not region:
        raise TargetError("Give `region`, such as eu-central-1, or set the variable AWS_REGION.")
    return region


def _config(settings: AwsSettings) -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        ignore_configured_endpoint_urls=True,
        # Services that are only like AWS know no other checksums than those that are needed.
        request_checksum_calculation="when_required" if settings.endpoint_url else "when_supported",
        response_checksum_validation="when_required",
        user_agent_extra="ciservice",
    )


def _refusal(error: ClientError) -> TargetError:
    code, status = error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = str(error.response.get("Error", {}).get("Message", "")).strip()[:_MOST_SHOWN].rstrip(".") or code
    if code in _NOT_THE_KEY or status == 401:
        return TargetError(
            f"AWS does not accept the key ({code}: {said}). Look at the secrets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if code == "RequestTimeTooSkewed":
        return TargetError("AWS says that the clock of the runner's machine is wrong: set it right (NTP).")
    if code in _NOT_ALLOWED or status == 403:
        return TargetError(f"AWS does not let this key do it ({error.operation_name}): {said}. Extend its policy.")
    if code in _TOO_MANY or status == 429:
        return PassingError(f"AWS was asked too often and went on refusing ({error.operation_name}: {said}).")
    if status >= 500:
        return PassingError(f"AWS has a fault of its own ({error.operation_name}: {code} {said}).")
    return TargetError(f"AWS refuses {error.operation_name}: {said} ({code}).")


def _no_answer(error: BotoCoreError) -> TargetError:
    if isinstance(error, HTTPClientError) and isinstance(cause := error.kwargs.get("error"), TargetError):
        return cause  # an address that the operator does not allow
    said = str(error)[:_MOST_SHOWN].rstrip(".")
    if isinstance(error, SSLError):
        return TargetError(f"The certificate of AWS is not trusted: {said}.")
    if isinstance(error, HTTPClientError | NoConnectionError):
        return PassingError(f"AWS gives no answer: {said}.")
    return TargetError(f"AWS cannot be asked so: {said}.")
