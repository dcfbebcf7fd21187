"""Lanes of the outbox: entries of one receiver go one at a time, by the database's clock."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="OutboxLane",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "epoch",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Rises with every claim: fences the holder before."
                    ),
                ),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0, help_text="In a row.")),
                ("rests_until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveField(model_name="outboxentry", name="lease_expires_at"),
        migrations.AddField(
            model_name="outboxentry",
            name="lane",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Whom it goes to: entries of one lane go one at a time.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="outboxentry",
            name="not_before",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddIndex(
            model_name="outboxentry",
            index=models.Index(condition=models.Q(("state", "pending")), fields=["lane", "id"], name="outbox_lane_due"),
        ),
    ]
