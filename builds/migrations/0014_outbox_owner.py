from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("builds", "0013_fleet")]

    operations = [
        migrations.AddField(
            model_name="outboxentry",
            name="owner",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who asked for it: of one owner only some lanes are worked at a time; empty = this service itself.",
                max_length=64,
            ),
        ),
        migrations.AddIndex(
            model_name="outboxentry",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["lane", "not_before"], name="outbox_lane_moment"
            ),
        ),
    ]
