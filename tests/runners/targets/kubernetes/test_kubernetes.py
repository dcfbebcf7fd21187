"""A Deployment of the stand-in's gets releases: all at once, a share first, and back."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runners.targets.contract import TargetError
from runners.targets.kubernetes import target
from runners.targets.kubernetes.canary import canary_name, pods_for
from runners.targets.kubernetes.settings import Settings
from runners.targets.kubernetes.target import deliver, running
from tests.runners.targets.contract import TargetContract
from tests.runners.targets.kubernetes.standin import BASE, Authority, Kubernetes
from tests.runners.targets.releases import PROJECT, Log, release

IMAGE = "registry.example.com/shop@sha256:" + "ab" * 32


@pytest.fixture
def cluster(tmp_path):
    cluster = Kubernetes(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
def settings(cluster):
    def settings(**fields) -> Settings:
        known = {
            "namespace": "shop",
            "deployment": "web",
            "container": "web",
            "image": IMAGE,
            "server": cluster.url,
            "token": cluster.token,
            "ca": cluster.authority.pem,
        }
        return Settings(**{**known, **fields})

    return settings


@pytest.fixture
def bring(settings, tmp_path):
    def bring(number=12, fields=None, **its) -> Log:
        log = Log()
        deliver(settings(**its), release(tmp_path, number, **(fields or {})), log)
        return log

    return bring


def template(cluster, name="web") -> dict:
    return cluster.deployments[name]["spec"]["template"]


def test_a_release_is_rolled_out(cluster, bring):
    log = bring()
    assert cluster.running() == {"12": 4}
    web, sidecar = template(cluster)["spec"]["containers"]
    assert web == {"name": "web", "image": IMAGE, "env": [{"name": "KEEP", "value": "me"}]}
    assert sidecar["image"] == "fluent:1"
    assert template(cluster)["metadata"]["annotations"] == {
        "ciservice/release": "12",
        "ciservice/commit": f"{12:040x}",
        "ciservice/project": PROJECT,
    }
    noted = cluster.deployments["web"]["metadata"]["annotations"]
    assert noted["note"] == "stays"
    assert noted["kubernetes.io/change-cause"] == f"release 12 ({12:040x}"[:24] + ") to production"
    ((path, kind, _),) = cluster.asked("PATCH")
    assert (path, kind) == (f"{BASE}/deployments/web", "application/strategic-merge-patch+json")
    assert "web: 0 of 4 pods are new" in log
    assert "web: 4 pods of release 12 are ready" in log


def test_twice_is_once(cluster, bring):
    bring()
    before = cluster.deployments["web"]["metadata"]["generation"]
    bring()
    assert len(cluster.asked("PATCH")) == 1
    assert cluster.deployments["web"]["metadata"]["generation"] == before


def test_an_attempt_that_was_cut_short_is_followed(cluster, bring):
    cluster.stalls = True
    with pytest.raises(TargetError, match=r"web, 0 of 4 pods are new: it was not rolled out within 1s"):
        bring(within="1s")
    cluster.stalls = False
    bring()
    assert len(cluster.asked("PATCH")) == 1
    assert cluster.running() == {"12": 4}


def test_a_share_goes_to_a_canary_beside_it(cluster, bring):
    bring(11)
    log = bring(12, {"percent": 20.0})
    assert cluster.running() == {"11": 4, "12": 1}
    canary = cluster.deployments["web-canary"]
    assert canary["spec"]["selector"] == {"matchLabels": {"app": "web", "ciservice/track": "canary"}}
    assert template(cluster, "web-canary")["metadata"]["labels"] == {
        "app": "web",
        "tier": "front",
        "ciservice/track": "canary",
    }
    assert canary["spec"]["strategy"] == {"type": "RollingUpdate"}
    assert "web-canary: 1 of 5 pods, 20 % for 20 % that were asked for" in log
    assert template(cluster)["metadata"]["annotations"]["ciservice/release"] == "11"
    bring(12, {"percent": 50.0})
    assert cluster.running() == {"11": 4, "12": 4}
    bring(12)
    assert cluster.running() == {"12": 4}
    assert "web-canary" not in cluster.deployments


@pytest.mark.parametrize(
    ("percent", "main", "pods"), [(1, 4, 1), (10, 90, 10), (20, 4, 1), (50, 4, 4), (99, 4, 4), (50, 0, 1), (25, 30, 10)]
)
def test_the_canary_comes_as_near_to_the_share_as_pods_can(percent, main, pods):
    assert pods_for(percent, main) == pods


def test_a_canary_that_was_left_becomes_the_next_releases(cluster, bring):
    cluster.breaks = {"12"}
    with pytest.raises(TargetError):
        bring(12, {"percent": 20.0})
    bring(13, {"percent": 20.0})
    assert cluster.running() == {"by hand": 4, "13": 1}


def test_a_canary_that_fails_leaves_the_rest_alone(cluster, bring):
    bring(11)
    cluster.breaks = {"12"}
    with pytest.raises(
        TargetError,
        match=r"gave the rollout up: .*timed out progressing\. web: CrashLoopBackOff \(back-off 5m0s restarting failed container\),"
        r" ended with 137 \(OOMKilled\)\.",
    ):
        bring(12, {"percent": 20.0})
    assert cluster.running()["11"] == 4
    bring(11, {"is_rollback": True})
    assert cluster.running() == {"11": 4}


def test_on_the_way_back_the_canary_goes_first(cluster, bring):
    bring(11)
    bring(12)
    bring(13, {"percent": 20.0})
    cluster.calls.clear()
    bring(11, {"is_rollback": True})
    assert [verb for verb, *_ in cluster.calls if verb != "GET"] == ["DELETE", "PATCH"]


def test_another_deployment_of_the_canarys_name_is_not_touched(cluster, bring):
    theirs = cluster.deployments["web"]
    cluster.make({**theirs, "metadata": {"name": "web-canary", "labels": {}}})
    with pytest.raises(TargetError, match="Deployment web-canary already that this project did not make"):
        bring(12, {"percent": 20.0})
    bring(12)
    assert "web-canary" in cluster.deployments


def test_a_long_name_leaves_room_for_the_canarys():
    assert len(canary_name("w" * 63)) == 63


def test_a_rollback_takes_the_pods_that_the_cluster_still_knows(cluster, bring):
    bring(11, image="registry.example.com/shop:eleven")
    template(cluster)["spec"]["containers"][0]["env"] = [{"name": "NEW", "value": "of 12"}]
    bring(12)
    log = bring(11, {"is_rollback": True}, image="another that nobody pulls")
    web = template(cluster)["spec"]["containers"][0]
    assert web["image"] == "registry.example.com/shop:eleven"
    assert web["env"] == [{"name": "KEEP", "value": "me"}]
    assert "which the cluster still knows" in log.text
    assert cluster.running() == {"11": 4}
    assert cluster.deployments["web"]["metadata"]["annotations"]["note"] == "stays"
    assert "pod-template-hash" not in template(cluster)["metadata"]["labels"]


def test_a_rollback_to_what_is_cleared_away_takes_the_image(cluster, bring):
    bring(11)
    bring(12)
    cluster.replica_sets = [one for one in cluster.replica_sets if one["status"]["replicas"]]
    bring(11, {"is_rollback": True}, image="registry.example.com/shop:eleven")
    assert template(cluster)["spec"]["containers"][0]["image"] == "registry.example.com/shop:eleven"
    assert cluster.running() == {"11": 4}


def test_what_runs_is_told_by_the_templates_that_have_pods(cluster, bring, settings, tmp_path):
    at = release(tmp_path)
    assert running(settings(), at, Log()) == frozenset()
    bring(11)
    bring(12, {"percent": 20.0})
    assert running(settings(), at, Log()) == {"11", "12"}
    bring(12)
    assert running(settings(), at, Log()) == {"12"}
    assert running(settings(), release(tmp_path, project="f" * 32), Log()) == frozenset()
    cluster.breaks = {"13"}
    with pytest.raises(TargetError):
        bring(13)
    assert running(settings(), at, Log()) == {"12", "13"}


def test_a_release_that_does_not_start_is_said_with_its_containers_words(cluster, bring):
    cluster.breaks = {"12"}
    with pytest.raises(TargetError, match=r"gave the rollout up.*CrashLoopBackOff"):
        bring()


def test_a_quota_that_is_used_up_is_said_but_may_pass(cluster, bring):
    cluster.stalls = True
    full = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods=4."}

    def fill():
        cluster.deployments["web"]["status"].setdefault("conditions", []).append(full)

    cluster.on("GET", f"{BASE}/deployments/web", fill)
    with pytest.raises(TargetError, match=r"within 2s\..* The cluster makes no pods: exceeded quota: pods=4\."):
        bring(within="2s")
    cluster.stalls = False
    bring()
    assert cluster.running() == {"12": 4}


def test_the_only_container_needs_no_name(cluster, bring):
    with pytest.raises(TargetError, match=r"several containers: say with `container` which: web, log"):
        bring(container="")
    with pytest.raises(TargetError, match=r"no container api; it has web, log"):
        bring(container="api")
    del template(cluster)["spec"]["containers"][1]
    bring(container="")
    assert cluster.running() == {"12": 4}


def test_a_paused_deployment_is_said_at_once(cluster, bring):
    cluster.deployments["web"]["spec"]["paused"] = True
    with pytest.raises(TargetError, match="kubectl rollout resume deployment/web"):
        bring()
    assert not cluster.asked("PATCH")


def test_a_deployment_that_is_not_there_is_said(cluster, bring, settings, tmp_path):
    for act in (
        lambda: bring(deployment="typo"),
        lambda: running(settings(deployment="typo"), release(tmp_path), Log()),
    ):
        with pytest.raises(TargetError, match="no Deployment typo in the namespace shop"):
            act()


def test_a_wrong_token_is_said_without_the_token(bring):
    with pytest.raises(TargetError, match="does not accept the token") as caught:
        bring(token="not-the-token")
    assert "not-the-token" not in str(caught.value)
    with pytest.raises(TargetError, match="characters that no token has"):
        bring(token="a\r\nX-Evil: 1")


def test_a_cluster_that_nobody_vouches_for_gets_no_token(cluster, bring):
    for ca in ("", Authority().pem, "no certificate"):
        with pytest.raises(TargetError, match="certificate is not trusted"):
            bring(ca=ca)
    assert not cluster.calls


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (403, {"message": 'deployments.apps "web" is forbidden'}),
            r"does not let this account do it: .*forbidden\. Extend",
        ),
        ((404, {"message": "not found"}), "no Deployment web"),
        ((409, {"message": "the object has been modified"}), "Somebody else changes it"),
        ((422, {"message": "Invalid value"}), r"refuses it \(422\): Invalid value"),
        ((429, {}), "asked too often"),
        ((503, {"message": "etcdserver: leader changed"}), "fault of its own"),
        ((302, {}), r"refuses it \(302\)"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_refusals_are_said_in_words(cluster, bring, answer, said):
    cluster.on("GET", f"{BASE}/deployments/web", lambda: answer)
    with pytest.raises(TargetError, match=said):
        bring()


def test_what_passes_is_waited_out(cluster, bring):
    asked = []

    def now_and_then():
        asked.append(1)
        return (429, {}) if len(asked) % 3 else None

    cluster.on("*", "*", now_and_then)
    bring()
    assert cluster.running() == {"12": 4}


def test_nobody_there_is_said_in_time(bring):
    with pytest.raises(TargetError, match="The cluster gives no answer"):
        bring(server="https://127.0.0.1:9")
    with pytest.raises(TargetError, match="begins with https"):
        bring(server="file:///etc/passwd")


def test_settings_want_one_way_in():
    known = {"deployment": "web", "image": "x"}
    for fields in ({"server": "https://x"}, {"token": "t"}, {"server": "https://x", "token": "t", "kubeconfig": "y"}):
        with pytest.raises(ValidationError):
            Settings(**known, **fields)


class _Pods:
    def __init__(self, cluster, settings, folder) -> None:
        self.cluster, self.target, self._folder = cluster, target, folder
        self.settings, self.wrong = settings(), settings(token="not-the-token")
        self.away = settings(server="https://127.0.0.1:9")

    def release(self, number, **fields):
        folder = self._folder / "checkouts" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        return release(folder, number, **fields)

    def serving(self) -> dict[str, float]:
        pods = {name: count for name, count in self.cluster.running().items() if name != "by hand"}
        return {name: count / sum(pods.values()) for name, count in pods.items()}

    def work(self) -> list:
        return [call for call in self.cluster.calls if call[0] != "GET"]


class TestContract(TargetContract):
    @pytest.fixture
    def place(self, cluster, settings, tmp_path):
        return _Pods(cluster, settings, tmp_path)
