"""What machines ask: health, readiness, metrics."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from builds.logs import live
from builds.models import Job, OutboxEntry, Runner, WebhookDelivery
from deployments.models import Deployment, Environment, Release
from tests import servers


def test_healthz_asks_nobody(client):
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_when_all_answer(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "database": "ok", "redis": "ok"})


@pytest.mark.django_db
def test_readyz_without_redis(client, settings):
    settings.REDIS_URL = "unix:///tmp/there-is-no-redis"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "away", "database": "ok", "redis": "away"}


@pytest.mark.django_db(transaction=True)
def test_readyz_hears_when_redis_comes_and_goes(client, settings):
    redis = servers.Redis()
    settings.REDIS_URL = redis.url
    try:
        redis.start()
        assert client.get("/readyz").status_code == 200
        redis.kill()
        assert client.get("/readyz").status_code == 503
        redis.start()
        servers.wait_until(lambda: client.get("/readyz").status_code == 200, what="readiness")
    finally:
        live.disconnect()
        redis.remove()


@pytest.mark.django_db(transaction=True)
def test_readyz_without_a_database(client, settings):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file: it does not go away")
    connection.close()
    before = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/tmp/there-is-no-postgres"
    try:
        response = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    finally:
        connection.close()
        connection.settings_dict["HOST"] = before
    assert (response.status_code, response.json()["database"]) == (503, "away")


def values(text):
    """{metric with labels: value}"""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_metrics_say_what_there_is_to_do(client, make_build, project, organization, django_assert_max_num_queries):
    now = timezone.now()
    build = make_build(status="running")
    make_build()
    for number, status in enumerate(["queued", "queued", "running", "passed"]):
        job = Job.objects.create(build=build, organization=organization, name=str(number), spec={}, status=status)
    Job.objects.filter(status="queued").update(created_at=now - timedelta(seconds=100))
    assert job.status == "passed"
    for name, age in (("alive", 1), ("gone", 3600)):
        Runner.objects.create(
            name=name, capacity=4, executor="fake", version="1", started_at=now, seen_at=now - timedelta(seconds=age)
        )
    WebhookDelivery.objects.create(project=project, provider="generic", delivery_id="d", outcome="refused")
    OutboxEntry.objects.create(kind="mail", key="k", payload={})
    with django_assert_max_num_queries(18):
        text = client.get("/metrics").content.decode()
    found = values(text)
    assert found["ciservice_jobs_queued"] == 2
    assert found["ciservice_jobs_running"] == 1
    assert 100 <= found["ciservice_queue_oldest_seconds"] < 1000
    assert found["ciservice_builds_unplanned"] == 1
    assert found["ciservice_builds_total"] == 2
    assert found['ciservice_builds_last_hour{status="running"}'] == 1
    assert found['ciservice_builds_last_hour{status="passed"}'] == 0
    assert found['ciservice_deliveries_last_hour{outcome="refused"}'] == 1
    assert (found["ciservice_runners_alive"], found["ciservice_runner_slots"]) == (1, 4)
    assert found["ciservice_outbox_pending"] == 1


@pytest.mark.django_db
def test_metrics_of_the_last_hour(client, make_build, organization):
    now, build = timezone.now(), make_build(status="running")
    for seconds in range(1, 101):
        began = now - timedelta(seconds=600)
        Job.objects.create(
            build=build,
            organization=organization,
            name=str(seconds),
            spec={},
            status="errored" if seconds == 7 else "passed",
            attempt=3 if seconds == 7 else 1,
            not_before=began - timedelta(seconds=seconds),
            started_at=began,
            finished_at=began + timedelta(seconds=2 * seconds),
        )
    old = now - timedelta(hours=2)
    Job.objects.create(
        build=build, organization=organization, name="old", spec={}, status="passed", started_at=old, finished_at=old
    )
    OutboxEntry.objects.create(kind="mail", key="late", payload={}, not_before=now - timedelta(seconds=90))
    OutboxEntry.objects.create(kind="mail", key="later", payload={}, not_before=now + timedelta(hours=1))
    OutboxEntry.objects.create(kind="mail", key="dead", payload={}, state="dead")
    found = values(client.get("/metrics").content.decode())
    assert found['ciservice_job_wait_seconds{quantile="0.5"}'] == 51
    assert found['ciservice_job_wait_seconds{quantile="0.95"}'] == 96
    assert found['ciservice_job_run_seconds{quantile="0.99"}'] == 200
    assert (found["ciservice_jobs_ended_last_hour"], found["ciservice_jobs_errored_last_hour"]) == (100, 1)
    assert found["ciservice_attempts_lost_last_hour"] == 2
    assert found['ciservice_outbox_waiting{kind="mail"}'] == 2
    assert 90 <= found['ciservice_outbox_lag_seconds{kind="mail"}'] < 900
    assert found["ciservice_outbox_dead_last_day"] == 1


def test_metrics_of_deployments(client, project, make_build):
    environment = Environment.objects.create(project=project, name="production", health="bad")
    for number, status in enumerate(["rolled_back", "failed", "held"], start=1):
        release = Release.objects.create(project=project, build=make_build(), number=number, commit="a" * 40)
        ended = None if status == "held" else timezone.now()
        Deployment.objects.create(environment=environment, release=release, status=status, finished_at=ended)
    found = values(client.get("/metrics").content.decode())
    assert found['ciservice_deployments{status="held"}'] == 1
    assert found['ciservice_deployments{status="unknown"}'] == 0
    assert found["ciservice_deployments_failed_last_day"] == 1
    assert found["ciservice_deployments_rolled_back_last_day"] == 1
    assert found["ciservice_environments_unhealthy"] == 1


@pytest.mark.django_db
def test_metrics_of_an_empty_instance(client):
    assert values(client.get("/metrics").content.decode())["ciservice_jobs_queued"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "headers", "seen"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.0.2.7", {}, False),
        ("", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, False),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, False),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.7"}, False),
        ("192.0.2.7", {"Authorization": "Bearer right"}, True),
        ("192.0.2.7", {"Authorization": "Bearer wrong"}, False),
        ("192.0.2.7", {"Authorization": "Bearer é"}, False),
        ("192.0.2.7", {"Authorization": "right"}, False),
    ],
)
def test_metrics_are_for_this_machine_and_the_token(client, settings, address, headers, seen):
    settings.METRICS_TOKEN = "right"
    response = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert response.status_code == (200 if seen else 404)


@pytest.mark.django_db
def test_without_a_token_set_no_token_is_right(client, settings):
    settings.METRICS_TOKEN = ""
    response = client.get("/metrics", headers={"Authorization": "Bearer "}, REMOTE_ADDR="192.0.2.7")
    assert response.status_code == 404
