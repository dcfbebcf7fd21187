"""Jobs wait in lanes: one for each set of labels and organisation, in the order in which they joined the queue."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0003_delivery_ref")]

    operations = [
        migrations.RemoveIndex(model_name="job", name="job_claimable"),
        migrations.AlterField(
            model_name="job",
            name="not_before",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status", "queued")),
                fields=["labels", "organization", "-priority", "not_before", "id"],
                name="job_lanes",
            ),
        ),
    ]
