"""Messages keep what they say in parts, and are unique for a rule, an event and what it is about."""

import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(name="rule", options={"ordering": ["id"]}),
        migrations.AddField(
            "rule",
            "changed_at",
            models.DateTimeField(
                default=django.utils.timezone.now, help_text="It says nothing of what happened before."
            ),
        ),
        migrations.AddField(
            "message",
            "about",
            models.UUIDField(default=uuid.uuid4, help_text="The build or deployment it is about."),
            preserve_default=False,
        ),
        migrations.AddField(
            "message",
            "thread",
            models.CharField(blank=True, help_text="Messages with one thread belong together.", max_length=200),
        ),
        migrations.AddField(
            "message",
            "recipient",
            models.CharField(blank=True, help_text="An e-mail's; empty: the rule's target.", max_length=254),
        ),
        migrations.RenameField("message", "body", "details"),
        migrations.AlterField(
            "message", "details", models.TextField(help_text="Where: branch, commit, author, a fact a line.")
        ),
        migrations.AddField(
            "message",
            "sentence",
            models.TextField(default="", help_text="What happened: the verdict."),
            preserve_default=False,
        ),
        migrations.AddField("message", "excerpt", models.TextField(blank=True, help_text="The failing lines.")),
        migrations.AlterField(
            "message",
            "subject",
            models.CharField(help_text="One line, nothing but printable characters.", max_length=200),
        ),
        migrations.AlterField(
            "message",
            "event",
            models.CharField(
                choices=[
                    ("started", "Started"),
                    ("passed", "Passed"),
                    ("failed", "Failed"),
                    ("recovered", "Recovered"),
                    ("deployed", "Deployed"),
                    ("deploy_failed", "deployment failed"),
                    ("test", "Test"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            "message",
            models.UniqueConstraint(fields=("rule", "event", "about"), name="one_message_an_event"),
        ),
    ]
