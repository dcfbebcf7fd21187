"""The Docker engine as the rest of this package sees it: few verbs, and every failure an EngineError in plain words."""

from __future__ import annotations

import contextlib
import datetime
import io
import socket
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO
from urllib.parse import quote

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException
from docker.tls import TLSConfig

from runners.errors import EngineError
from runners.executors.docker.streams import Attachment, Lines

REQUEST_SECONDS = 60
CONNECTIONS = 64
DEFAULT_URL = "unix:///var/run/docker.sock"
BACK_SECONDS = 60.0  # how long a restarted engine may take until it answers again

_CREATE_TRIES = 20
_CREATE_PAUSE_SECONDS = 0.25
_NO_ANSWER = (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError)


class Refused(Exception):
    """The engine understood and said no: `status` is HTTP's, the text is the engine's own sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class State:
    """What `inspect` says of a container."""

    running: bool
    exit_code: int = 0
    out_of_memory: bool = False
    health: str = ""  # starting, healthy, unhealthy; "" = the image has no health check
    exists: bool = True


GONE = State(running=False, exit_code=137, exists=False)


@contextlib.contextmanager
def answering(task: str) -> Iterator[None]:
    """Turn the client's many failures into `Refused` (it answered) and `EngineError` (it did not)."""
    try:
        yield
    except APIError as error:
        raise Refused(error.status_code or 500, str(error.explanation or error)) from error
    except _NO_ANSWER as error:
        raise EngineError(f"The Docker engine did not answer ({task}): {error}") from error


class Engine:
    """One connection pool to one engine. Thread-safe."""

    def __init__(self, url: str, tls: TLSConfig | None = None) -> None:
        url = url or DEFAULT_URL
        try:
            _try_socket(url)
            self._api = docker.APIClient(
                base_url=url,
                version="auto",
                tls=tls or False,
                timeout=REQUEST_SECONDS,
                max_pool_size=CONNECTIONS,
            )
        except _NO_ANSWER as error:
            raise EngineError(
                f"No Docker engine answers at {url}: start dockerd, or set DOCKER_HOST to where it listens ({error})"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def facts(self) -> dict[str, Any]:
        """What the engine says of itself: `Version`, `Arch`, `ApiVersion`."""
        with answering("version"):
            return dict(self._api.version(api_version=False))

    # --- containers

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Create a container and return its id. One that an unanswered request made already is adopted by its name."""
        for _ in range(_CREATE_TRIES):
            try:
                return str(self.call("POST", "/containers/create", config, {"name": name})["Id"])
            except EngineError:
                if found := self._id_of(name):
                    return found
                break
            except Refused as refusal:
                if refusal.status != requests.codes.conflict:
                    raise
                if found := self._id_of(name):
                    return found
                # The name belongs to one that is being made, or taken away, this moment.
                time.sleep(_CREATE_PAUSE_SECONDS)
        raise EngineError(f"The Docker engine did not create the container {name}")

    def _id_of(self, name: str) -> str:
        facts = self.inspect(name)
        return "" if facts is None else str(facts["Id"])

    def start(self, container: str) -> None:
        """Start it; `Refused` where the engine cannot."""
        try:
            with answering("start a container"):
                self._api.start(container)
        except EngineError:
            facts = self.inspect(container)
            if facts is None or facts["State"]["Status"] == "created":
                raise

    def attach(self, container: str, *, stdin: bool = False) -> Attachment:
        """A stream of what the container prints from now on; before `start` it is the whole of it."""
        params = {"stdout": 1, "stderr": 1, "stream": 1, "logs": 0, "stdin": int(stdin)}
        with answering("attach"):
            return Attachment(self._api.attach_socket(container, params=params))

    def execute(self, container: str, command: list[str]) -> Attachment:
        """Start a further process in a running container, with an open standard input."""
        with answering("exec"):
            made = self._api.exec_create(container, command, stdin=True)
            return Attachment(self._api.exec_start(made["Id"], False, False, False, True))

    def inspect(self, container: str) -> dict[str, Any] | None:
        """Everything the engine knows of it, None where there is none."""
        try:
            with answering("inspect"):
                return dict(self._api.inspect_container(container))
        except Refused as refusal:
            if refusal.status == requests.codes.not_found:
                return None
            raise

    def state(self, container: str) -> State:
        """How it stands. An engine that restarts gets BACK_SECONDS to answer again."""
        until = time.monotonic() + BACK_SECONDS
        while True:
            try:
                facts = self.inspect(container)
            except EngineError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
                continue
            return GONE if facts is None else _state(facts["State"])

    def ended(self, container: str, seconds: int) -> State:
        """Wait at most `seconds` for its end; the state either way."""
        with contextlib.suppress(*_NO_ANSWER):
            self._api.wait(container, timeout=seconds)
        return self.state(container)

    def signal(self, container: str, name: str) -> None:
        """Send a signal to its first process; nothing happens where it has ended."""
        with contextlib.suppress(Refused), answering("kill"):
            self._api.kill(container, name)

    def remove(self, container: str) -> None:
        """Kill and remove it with its anonymous volumes; nothing happens where it is gone."""
        with _gone_is_fine(), answering("remove a container"):
            self._api.remove_container(container, v=True, force=True)

    def put(self, container: str, folder: str, archive: bytes) -> None:
        """Unpack a tar in a container that was created."""
        with answering("put files"):
            self._api.put_archive(container, folder, archive)

    def read(self, container: str, path: str) -> bytes:
        """A small file of a container."""
        with answering("read a file"):
            pieces, _ = self._api.get_archive(container, path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
                found = tar.extractfile(tar.getmembers()[0])
                return found.read() if found else b""

    def containers(self, label: str) -> list[dict[str, Any]]:
        """Those that carry a label ("key" or "key=value"), ended ones too: dicts with `Id`, `Labels`, `HostConfig`."""
        with answering("list containers"):
            return list(self._api.containers(all=True, filters={"label": label}))

    # --- networks, volumes, images

    def create_network(
        self, name: str, labels: Mapping[str, str], subnet: str = "", options: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """A bridge network of its own; `subnet` "" lets the engine choose. Returns its id."""
        config = {"Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": dict(labels)}
        if options:
            config["Options"] = dict(options)
        if subnet:
            config["IPAM"] = {"Config": [{"Subnet": subnet}]}
        return str(self.call("POST", "/networks/create", config)["Id"])

    def remove_network(self, network: str) -> None:
        """Remove it; nothing happens where it is gone."""
        with _gone_is_fine(), answering("remove a network"):
            self._api.remove_network(network)

    def has_network(self, network: str) -> bool:
        """Whether it is there."""
        try:
            with answering("inspect a network"):
                self._api.inspect_network(network)
        except Refused:
            return False
        return True

    def networks(self, label: str) -> list[dict[str, Any]]:
        """Those that carry a label: dicts with `Id` and `Labels`."""
        with answering("list networks"):
            return list(self._api.networks(filters={"label": label}))

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """A named volume; one that exists stays as it is."""
        with answering("create a volume"):
            self._api.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        """Remove it; nothing happens where it is gone."""
        with _gone_is_fine(), answering("remove a volume"):
            self._api.remove_volume(name, force=True)

    def volumes(self, label: str) -> list[dict[str, Any]]:
        """Those that carry a label: dicts with `Name` and `Labels`."""
        with answering("list volumes"):
            return list(self._api.volumes(filters={"label": label})["Volumes"] or [])

    def image(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of a local image, None where it has none of that name."""
        try:
            return self.call("GET", f"/images/{quote(name)}/json")
        except Refused as refusal:
            if refusal.status in {requests.codes.not_found, requests.codes.bad_request}:
                return None
            raise

    def tag_image(self, image: str, repository: str, tag: str) -> None:
        """Give it a name, which another image loses."""
        with answering("name an image"):
            self._api.tag(image, repository, tag)

    def untag_image(self, name: str) -> None:
        """Take a name away; nothing happens where there is none. Its last name takes the image along."""
        with contextlib.suppress(Refused), answering("take an image's name away"):
            self._api.remove_image(name, noprune=True)

    def named_images(self, repository: str) -> dict[str, float]:
        """The names of a repository that this engine has, each with its tag, and when it was given (seconds)."""
        with answering("list images"):
            found = self._api.images(filters={"reference": repository})
        names = [name for image in found for name in image.get("RepoTags") or [] if name.startswith(f"{repository}:")]
        return {name: _tagged_at(facts) for name in names if (facts := self.image(name)) is not None}

    def save_image(self, name: str) -> Iterator[bytes]:
        """The image as an archive, piece by piece."""
        with answering("save an image"):
            yield from self._api.get_image(name)

    def load_image(self, archive: BinaryIO) -> None:
        """Take in what `save_image` gave."""
        with answering("load an image"):
            for told in self._api.load_image(archive):  # type: ignore[no-untyped-call]
                if "error" in told:
                    raise Refused(500, str(told["error"]))

    def images(self, label: str) -> list[dict[str, Any]]:
        """Untagged images that carry a label: dicts with `Id` and `Created` (seconds)."""
        with answering("list images"):
            return list(self._api.images(filters={"label": label, "dangling": True}))

    def remove_image(self, image: str) -> None:
        """Remove it unless something uses it."""
        with contextlib.suppress(Refused), answering("remove an image"):
            self._api.remove_image(image)

    def import_image(self, archive: bytes, name: str, changes: list[str]) -> None:
        """Make an image of one layer from a tar archive."""
        with answering("import an image"):
            self._api.import_image_from_data(archive, repository=name, tag="latest", changes=changes)

    # --- the bare interface

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One request with a JSON answer."""
        with (
            answering(path),
            self._api.request(
                method, self._url(path), json=dict(body or {}), params=dict(params or {}), timeout=REQUEST_SECONDS
            ) as answer,
        ):
            raise_for(answer)
            return dict(answer.json())

    def stream(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: BinaryIO | None = None,
        *,
        silence: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Lines:
        """A request whose answer comes line by line; `silence` seconds without one end it."""
        with answering(path):
            answer = self._api.request(
                method,
                self._url(path),
                params=dict(params),
                data=body,
                headers=dict(headers or {}),
                stream=True,
                timeout=(REQUEST_SECONDS, silence),
            )
            raise_for(answer)
            return Lines(answer)

    def _url(self, path: str) -> str:
        return f"{self._api.base_url}/v{self._api.api_version}{path}"


def _try_socket(url: str) -> None:
    """OSError where nobody listens on a Unix socket: the client would leave its own open when it finds out."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(REQUEST_SECONDS)
            probe.connect(url.removeprefix("unix://"))


def raise_for(answer: requests.Response) -> None:
    if answer.status_code < requests.codes.bad_request:
        return
    with contextlib.closing(answer):
        try:
            text = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError):
            text = answer.text[:500]
    raise Refused(answer.status_code, text)


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        under_way = refusal.status == requests.codes.conflict and "already in progress" in str(refusal)
        if refusal.status != requests.codes.not_found and not under_way:
            raise EngineError(f"Docker refused: {refusal}") from refusal


def _tagged_at(image: Mapping[str, Any]) -> float:
    text = str((image.get("Metadata") or {}).get("LastTagTime") or "")
    try:
        return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    except ValueError:
        return time.time()  # an engine that does not say keeps it


def _state(state: Mapping[str, Any]) -> State:
    return State(
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]),
        out_of_memory=bool(state["OOMKilled"]),
        health=str((state.get("Health") or {}).get("Status") or "").replace("none", ""),
    )
