"""Celery's settings: early acknowledgement, no results, short waits; a frozen Redis costs a webhook one second."""

from django.conf import settings

broker_url = settings.REDIS_URL.replace("unix://", "redis+socket://", 1)
task_ignore_result = True
task_acks_late = False
accept_content = ["json"]
task_serializer = "json"
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = False
worker_enable_remote_control = False
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# Publishing never waits longer than a second and never retries: the beat rings again for whatever still waits.
task_publish_retry = False
broker_transport_options = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "visibility_timeout": 600,
    "max_retries": 0,
}
task_default_queue = "work"
task_routes = {"builds.tasks.take_job": {"queue": "runners"}}
beat_schedule = {
    "reap": {"task": "builds.tasks.reap_jobs", "schedule": settings.REAP_SECONDS},
    "wake": {"task": "builds.tasks.wake_waiting", "schedule": 10.0},
    "outbox": {"task": "builds.tasks.deliver_outbox", "schedule": 10.0},
    "deployments": {"task": "deployments.tasks.advance_all", "schedule": 15.0},
    # A beat that no worker takes for a while leaves nothing behind: the next one looks at all that is due.
    "look": {"task": "deployments.tasks.look_at_what_is_due", "schedule": 2.0, "options": {"expires": 10}},
    "watch": {"task": "deployments.tasks.find_unwatched", "schedule": 60.0},
    "tell": {"task": "notifications.tasks.tell_missed", "schedule": 60.0},
    "reconcile": {"task": "builds.tasks.reconcile", "schedule": 60.0},
    "schedules": {"task": "builds.tasks.build_scheduled", "schedule": 20.0},
    "left": {"task": "builds.tasks.do_left_work", "schedule": 60.0, "options": {"expires": 50}},
    "prune": {"task": "builds.tasks.prune", "schedule": 3600.0},
    "prune messages": {"task": "notifications.tasks.prune", "schedule": 3600.0},
    "hosts": {"task": "builds.tasks.look_at_hosts", "schedule": 300.0},
}
if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
    beat_schedule["traces"] = {"task": "ciservice.tracing.tasks.find_traces", "schedule": 15.0}
