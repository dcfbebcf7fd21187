"""Releases come to a real engine, behind a real HAProxy, while requests go on."""

from __future__ import annotations

import pytest

from tests.load import Load
from tests.runners.targets.docker.app import BAD

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def test_ten_deployments_in_a_row_lose_not_one_request(app, make_proxy, capsys):
    proxy = make_proxy()
    app.deliver(1)
    with Load(proxy.port) as load:
        assert load.next(50).share("1") == 100
        for release in range(2, 12):
            for percent in (10, 50) if release % 3 == 0 else ():
                app.deliver(release, percent, previous=release - 1)
                seen = load.next(200)
                assert abs(seen.share(str(release)) - percent) < 6, seen
                assert app.running == {str(release - 1), str(release)}
            app.deliver(release, previous=release - 1)
            assert load.next(40).answers.keys() == {str(release)}
            assert app.running == {str(release)}
    whole = load.whole
    with capsys.disabled():
        print(f"\n{whole.requests} requests during ten deployments, {len(whole.failures)} failed")
    assert whole.failures == []
    assert len(app.containers()) == 4, "those that run, and one release to go back to"


def test_a_bad_release_at_one_percent_hurts_one_percent_until_it_is_taken_back(app, make_proxy, capsys):
    proxy = make_proxy()
    app.deliver(1)
    with Load(proxy.port) as load:
        app.deliver(
            2, 1, previous=1, command=["sh", "-c", BAD], health={"command": "true", "every": "1s", "within": "30s"}
        )
        seen = load.next(1000)
        app.deliver(1, previous=2, is_rollback=True)
        after = load.next(200)
    with capsys.disabled():
        print(f"\nbad release at 1 %: {seen.failed_percent:.2f} % of {seen.requests} requests failed")
    assert 0 < seen.failed_percent < 2
    assert after.failures == []
    assert app.running == {"1"}
