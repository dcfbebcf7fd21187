"""A bucket's folder: what is in it, and what is laid in and removed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from runners.targets.aws import error_code, explained
from runners.targets.contract import TargetError, Tell
from runners.targets.files import opened
from runners.targets.s3.etags import PART_BYTES
from runners.targets.s3.uploads import Upload, Uploads

_AT_ONCE = 8
_MOST_TOLD = 100
_MOST_REMOVED = 1000  # by one call
# The ETags are known beforehand only for parts of this size.
_PARTS = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)


@dataclass(frozen=True)
class Bucket:
    """`s3` is boto3's client."""

    s3: Any
    name: str
    folder: str  # "" or "www/"
    has_acl: bool = False  # its objects are given one

    def listed(self) -> dict[str, str]:
        """ETags by paths below the folder."""
        found = {}
        with explained():
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.folder):
                for one in page.get("Contents", []):
                    found[one["Key"].removeprefix(self.folder)] = one["ETag"].strip('"')
        return found

    def send(self, uploads: Uploads, chosen: Sequence[Upload], tell: Tell) -> None:
        """Several at once. Where one fails, what is not begun is not sent."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(self._send, uploads, one): one for one in chosen}
            try:
                for number, done in enumerate(as_completed(waiting), start=1):
                    done.result()
                    if number <= _MOST_TOLD:
                        tell(f"sent {waiting[done].path}")
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        if len(chosen) > _MOST_TOLD:
            tell(f"and {len(chosen) - _MOST_TOLD} more")

    def remove(self, paths: Sequence[str], tell: Tell) -> None:
        """All of these. TargetError names one that could not be."""
        for start in range(0, len(paths), _MOST_REMOVED):
            keys = [{"Key": self.folder + path} for path in paths[start : start + _MOST_REMOVED]]
            with explained():
                answer = self.s3.delete_objects(Bucket=self.name, Delete={"Objects": keys, "Quiet": True})
            for error in answer.get("Errors", []):
                raise TargetError(f"{error.get('Key')} could not be removed: {error.get('Message')}")
        if paths:
            tell(f"removed {len(paths)} that this release does not have")

    def read(self, path: str) -> bytes:
        """A small object's bytes; b"" where there is none."""
        with explained():
            try:
                answer = self.s3.get_object(Bucket=self.name, Key=self.folder + path)
            except ClientError as error:
                if error_code(error) == "NoSuchKey":
                    return b""
                raise
            with answer["Body"] as body:
                return bytes(body.read(64 << 10))

    def write(self, path: str, content: bytes) -> None:
        """A small object, for nobody but who may read the bucket."""
        acl = {"ACL": "private"} if self.has_acl else {}
        with explained():
            self.s3.put_object(
                Bucket=self.name,
                Key=self.folder + path,
                Body=content,
                ContentType="application/json",
                CacheControl="no-store",
                **acl,
            )

    def _send(self, uploads: Uploads, one: Upload) -> None:
        with opened(uploads.files, one.file) as (source, _), explained():
            self.s3.upload_fileobj(source, self.name, self.folder + one.path, ExtraArgs=one.headers, Config=_PARTS)
