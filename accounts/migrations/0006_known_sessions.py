"""Sessions that are there already are listed, too: who ends all others ends them."""

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.utils import timezone

NOBODY_KNOWS = "0.0.0.0"
BATCH = 1000


def know_sessions(apps, schema_editor):
    """A row for each that has none; running it again changes nothing."""
    UserSession = apps.get_model("usersessions", "UserSession")
    User = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    Session = apps.get_model("sessions", "Session")
    people = set(User.objects.values_list("pk", flat=True))
    known = set(UserSession.objects.values_list("session_key", flat=True))
    rows = []
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        person = SessionStore().decode(session.session_data).get("_auth_user_id", "")
        if session.session_key in known or not str(person).isdigit() or int(person) not in people:
            continue
        began = session.expire_date - timedelta(seconds=settings.SESSION_COOKIE_AGE)
        rows.append(
            UserSession(
                user_id=int(person),
                session_key=session.session_key,
                ip=NOBODY_KNOWS,
                user_agent="",
                created_at=began,
                last_seen_at=began,
            )
        )
    UserSession.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_known_addresses"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(know_sessions, migrations.RunPython.noop)]
