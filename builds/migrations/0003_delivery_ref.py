"""What a delivery told of its ref, so that the same push told twice is known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0002_outbox_lanes")]

    operations = [
        migrations.AddField("webhookdelivery", "ref", models.CharField(blank=True, default="", max_length=300), preserve_default=False),
        migrations.AddField(
            "webhookdelivery",
            "before",
            models.CharField(blank=True, default="", help_text="Where the ref stood; zeros = it was made.", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            "webhookdelivery",
            "after",
            models.CharField(blank=True, default="", help_text="Where it stands now; zeros = it was deleted.", max_length=64),
            preserve_default=False,
        ),
    ]
