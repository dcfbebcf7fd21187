"""The checkout as a zip in S3, from where other services of AWS take it; once for a release."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from runners.targets.aws import bucket_and_folder, error_code, explained
from runners.targets.contract import Delivery, Tell
from runners.targets.files import gather, write_zip
from runners.targets.marks import mark

EXCLUDED = ("**/.git*",)  # as CodeShip packed


@dataclass(frozen=True)
class Archive:
    """Where it lies."""

    bucket: str
    key: str


def archive_of(s3_bucket: str, application: str, delivery: Delivery) -> Archive:
    """Where the zip of this release lies, or will."""
    bucket, folder = bucket_and_folder(s3_bucket)
    return Archive(bucket, f"{folder}{application}/{mark(delivery)}.zip")


def ensure_archive(s3: Any, archive: Archive, local_path: str, delivery: Delivery, tell: Tell) -> None:
    """Pack the checkout and send it, unless this release's is there already."""
    if _exists(s3, archive):
        tell(f"s3://{archive.bucket}/{archive.key} is there already: not sent again")
        return
    files = gather(delivery.folder, local_path, EXCLUDED)
    for path in files.left_out:
        tell(f"left out, a link that leads out of the checkout: {path}")
    with tempfile.TemporaryFile() as packed:
        write_zip(files, packed)
        size = packed.tell()
        tell(f"packed {len(files.files)} files, sending {size / 1e6:.1f} MB to s3://{archive.bucket}/{archive.key}")
        packed.seek(0)
        with explained():
            s3.upload_fileobj(packed, archive.bucket, archive.key)


def _exists(s3: Any, archive: Archive) -> bool:
    with explained():
        try:
            s3.head_object(Bucket=archive.bucket, Key=archive.key)
        except ClientError as error:
            # Without the right to list a bucket, what is missing is forbidden (403).
            if error_code(error) in {"404", "403", "NoSuchKey", "NotFound"}:
                return False
            raise
    return True
