"""Delivers to a Docker host: a release's own containers beside those of the one before, and traffic from one to the other.

The containers are all there is to know: what a killed delivery left is found by its labels and finished by the next.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runners.targets.contract import Delivery, TargetError, Tell
from runners.targets.docker.balanced import Balanced
from runners.targets.docker.groups import Group, Groups
from runners.targets.docker.haproxy import Backend
from runners.targets.docker.health import tell_last_lines, wait_healthy
from runners.targets.docker.host import as_target_errors, opened, reached
from runners.targets.docker.remote import Remote
from runners.targets.docker.settings import Settings
from runners.targets.docker.shares import WHOLE
from runners.targets.docker.traffic import ByName, Traffic


@dataclass(frozen=True)
class _Place:
    """What a delivery works with."""

    settings: Settings
    delivery: Delivery
    engine: Remote
    groups: Groups
    traffic: Traffic
    tell: Tell


def deliver(settings: Settings, delivery: Delivery, tell: Tell) -> None:
    """Bring `percent` of the traffic to the release; at 100 the others end, and `keep` of them stay, stopped."""
    with _place(settings, delivery, tell) as place:
        groups = place.groups.all()
        wanted = place.groups.wanted(groups)
        old = _old(place, groups, wanted)
        percent = delivery.percent if old else float(WHOLE)
        place.traffic.check(percent, settings.replicas, len(old.running) if old else 0)
        if percent > delivery.percent:
            tell("Nothing else runs there: the release gets everything")
        new = _brought(place, wanted, old, percent)
        kept = [new, *([old] if old and percent < WHOLE else [])]
        _retire(place, [group for group in place.groups.all() if not _among(group, kept)])
        place.traffic.forget(place.groups.all())


def running(settings: Settings, delivery: Delivery, tell: Tell) -> frozenset[str]:
    """The releases whose containers run and get requests."""
    with _place(settings, delivery, tell) as place:
        groups = [group for group in place.groups.all() if group.running]
        shares = place.traffic.shares(groups)
        return frozenset(group.release for group, share in zip(groups, shares, strict=True) if share > 0)


@contextlib.contextmanager
def _place(settings: Settings, delivery: Delivery, tell: Tell) -> Iterator[_Place]:
    proxy = settings.proxy.haproxy if settings.proxy else None
    with (
        reached(settings, delivery, [proxy.socket] if proxy else []) as host,
        opened(host) as engine,
    ):
        groups = Groups(engine, settings, delivery, tell)
        traffic: Traffic = ByName(engine, settings.front, settings.name, tell)
        if proxy is not None:
            traffic = Balanced(Backend(proxy.backend, lambda: host.dial(proxy.socket)), proxy, tell)
        yield _Place(settings, delivery, engine, groups, traffic, tell)


def _old(place: _Place, groups: Sequence[Group], wanted: Group | None) -> Group | None:
    """Whose traffic is taken over: what was live before, else what gets most."""
    others = [group for group in groups if group.running and group != wanted]
    shares = dict(zip([id(group) for group in others], place.traffic.shares(others), strict=True))
    others.sort(key=lambda group: (group.release == place.delivery.previous, shares[id(group)]), reverse=True)
    return next(iter(others), None)


def _brought(place: _Place, wanted: Group | None, old: Group | None, percent: float) -> Group:
    """The release's containers, healthy and with their share. Where that fails they lose what they had, if `old` can take it."""
    known = frozenset(member.id for member in wanted.running) if wanted else frozenset()
    try:
        with as_target_errors():
            new = place.groups.complete(wanted)
            wait_healthy(place.engine, new, place.settings.health, place.tell, known)
            place.traffic.give(new, old, percent)
    except TargetError:
        if old is not None or wanted is None:
            with contextlib.suppress(TargetError), as_target_errors():
                _give_up(place, wanted, old)
        raise
    return new


def _give_up(place: _Place, wanted: Group | None, old: Group | None) -> None:
    if old is not None:
        place.traffic.give(old, None, WHOLE)
    for group in place.groups.all():
        if group.release == place.delivery.release and (wanted is None or group.mark == wanted.mark):
            place.traffic.take(group)
            place.groups.stop(group)
            if wanted is None:  # made just now: another try begins anew
                place.groups.remove(group)


def _retire(place: _Place, groups: Sequence[Group]) -> None:
    """End them, and keep those that ended last; what a rollback leaves behind is not gone back to."""
    for group in groups:
        if group.running:
            place.traffic.take(group)
            if place.delivery.is_rollback:
                for member in group.running:
                    tell_last_lines(place.engine, member, place.tell)
            place.groups.stop(group)
    if place.delivery.percent < WHOLE:
        return
    now = place.groups.all()
    left = [group for group in now if _among(group, groups)]
    left.sort(key=lambda group: (not _is_left_behind(place, group), group.ended_at), reverse=True)
    for group in left[place.settings.keep :]:
        place.tell(f"Removing the containers of release {group.release}")
        place.groups.remove(group)


def _is_left_behind(place: _Place, group: Group) -> bool:
    ours, theirs = place.delivery.release, group.release
    newer = int(theirs) > int(ours) if ours.isdigit() and theirs.isdigit() else theirs != ours
    return place.delivery.is_rollback and newer


def _among(group: Group, groups: Sequence[Group]) -> bool:
    return any((one.release, one.mark) == (group.release, group.mark) for one in groups)
