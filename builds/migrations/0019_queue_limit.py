import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_teams_and_invitations"),
        ("builds", "0018_hosting"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueLimit",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="queue_limit",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("builds", models.PositiveIntegerField()),
            ],
        ),
    ]
