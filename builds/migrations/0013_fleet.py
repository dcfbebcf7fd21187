import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SERVES = [("all", "every job"), ("trusted", "no changes from forks"), ("forks", "changes from forks only")]


def _person():
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
    )


def _moment(said):
    return models.DateTimeField(blank=True, help_text=said, null=True)


class Migration(migrations.Migration):
    """What runners are told, tokens that let machines join, and the switch that stops new work."""

    dependencies = [
        ("accounts", "0002_teams_and_invitations"),
        ("builds", "0012_connections_and_teams"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("runner", "left_at", _moment("It was shut down in good order.")),
        migrations.AddField("runner", "paused_at", _moment("It takes no new jobs.")),
        migrations.AddField("runner", "drain_at", _moment("It is to end what it runs, and then itself.")),
        migrations.AddField("runner", "revoked_at", _moment("It may nothing any more.")),
        migrations.AddField("runner", "paused_by", models.CharField(blank=True, db_default="", max_length=254)),
        migrations.AddField("runner", "drain_by", models.CharField(blank=True, db_default="", max_length=254)),
        migrations.AddField("runner", "revoked_by", models.CharField(blank=True, db_default="", max_length=254)),
        migrations.AddField("runner", "pause_reason", models.CharField(blank=True, db_default="", max_length=300)),
        migrations.AddField(
            "runner", "serves", models.CharField(choices=SERVES, db_default="all", default="all", max_length=10)
        ),
        migrations.AddField(
            "runner",
            "organization",
            models.ForeignKey(
                blank=True,
                help_text="Serves it alone.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.CreateModel(
            name="JoinToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("serves", models.CharField(choices=SERVES, default="all", max_length=10)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "used_by",
                    models.CharField(
                        blank=True, help_text="The name of the runner that joined with it.", max_length=200
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("made_by", _person()),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose runner it makes.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Halt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("reason", models.CharField(max_length=500)),
                ("began_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("by", _person()),
                ("ended_by", _person()),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty = everybody's work.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="halts",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(ended_at=None), fields=["organization"], name="halt_holds")
                ]
            },
        ),
    ]
