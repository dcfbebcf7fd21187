"""A folder of the checkout in a bucket: what changed is sent, pages last, and a small object tells which release it is."""

from __future__ import annotations

from runners.targets.aws import bucket_and_folder, client
from runners.targets.contract import Delivery, Tell
from runners.targets.marks import whole_only
from runners.targets.s3.bucket import Bucket
from runners.targets.s3.etags import etag
from runners.targets.s3.marker import MARKER, Marker
from runners.targets.s3.settings import Settings
from runners.targets.s3.uploads import Upload, Uploads, look_of

_INSTEAD = (
    "Give the canary an environment and a bucket of its own, and let what stands in front of both share the traffic."
)


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Send what changed; remove what is gone, where that is wished."""
    whole_only(delivery, "S3", _INSTEAD)
    uploads = Uploads.of(settings, delivery.folder, tell)
    bucket = _bucket(settings, delivery)
    there = bucket.listed()
    marker = Marker.read(bucket, delivery)
    to_send = _changed(uploads, there if marker.look == look_of(settings) else {})
    to_remove = sorted(there.keys() - {one.path for one in uploads.all} - {MARKER}) if settings.delete else []
    if not to_send and not to_remove and marker.releases == {delivery.release}:
        tell(f"release {delivery.release} is in s3://{bucket.name}/{bucket.folder} already")
        return
    megabytes = sum(one.file.size for one in to_send) / 1e6
    tell(f"{len(uploads.all)} files, of which {len(to_send)} are new or changed ({megabytes:.1f} MB)")
    marker.on_the_way_to(delivery, look_of(settings)).write(bucket)
    bucket.send(uploads, [one for one in to_send if not one.is_page], tell)
    bucket.send(uploads, [one for one in to_send if one.is_page], tell)
    bucket.remove(to_remove, tell)
    Marker.at(delivery, look_of(settings)).write(bucket)
    tell(f"release {delivery.release} is in s3://{bucket.name}/{bucket.folder}")


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str] | None:
    """What the small object tells: two releases, where the sending of one was cut short."""
    return Marker.read(_bucket(settings, delivery), delivery).releases


def _bucket(settings: Settings, delivery: Delivery) -> Bucket:
    name, folder = bucket_and_folder(settings.s3_bucket)
    return Bucket(client("s3", settings, delivery), name, folder, has_acl=bool(settings.acl))


def _changed(uploads: Uploads, there: dict[str, str]) -> list[Upload]:
    """Those whose bytes are not in the bucket, as far as its ETags tell."""
    return [one for one in uploads.all if one.path not in there or there[one.path] != etag(uploads.files, one.file)]
