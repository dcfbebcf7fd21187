from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0015_scoped_secrets")]

    operations = [
        migrations.AddField(
            model_name="build",
            name="fork_url",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Where its commit is, if not in the project's repository.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="build",
            name="is_held",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Nothing of it is read before a person approved this commit.",
            ),
        ),
        migrations.AddField(
            model_name="build",
            name="is_late",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Its branch had moved on before we were told: it is not the newest.",
            ),
        ),
        migrations.CreateModel(
            name="PullRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("is_open", models.BooleanField()),
                (
                    "commit",
                    models.CharField(
                        blank=True, help_text="Its head; Bitbucket tells the first 12 digits.", max_length=64
                    ),
                ),
                (
                    "told_at",
                    models.DateTimeField(blank=True, help_text="The host's own time of what was told last.", null=True),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE, related_name="pull_requests", to="builds.project"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="pullrequest",
            constraint=models.UniqueConstraint(fields=("project", "number"), name="one_pull_request_a_number"),
        ),
    ]
