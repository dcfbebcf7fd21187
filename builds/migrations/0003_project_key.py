"""A project's key for CodeShip's encrypted files. Projects that exist get one when somebody puts or makes it."""

import django.db.models.deletion
from django.db import migrations, models

import builds.models.project_key
import builds.models.sealed


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0002_kept_pipelines"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "text",
                    builds.models.sealed.SealedField(
                        default=builds.models.project_key.new_key_text, help_text="As codeship.aes has it."
                    ),
                ),
                ("is_own", models.BooleanField(default=False, help_text="Uploaded, not made here.")),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="key", to="builds.project"
                    ),
                ),
            ],
        ),
    ]
