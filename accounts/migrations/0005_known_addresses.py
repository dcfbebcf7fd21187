"""The addresses of those who are here already count as confirmed: nobody is shut out by the release that confirms them."""

from django.conf import settings
from django.db import migrations

BATCH = 1000


def know_addresses(apps, schema_editor):
    """A row for everybody who has none; running it again changes nothing."""
    User = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    EmailAddress = apps.get_model("account", "EmailAddress")
    unknown = User.objects.exclude(pk__in=EmailAddress.objects.values("user"))
    rows = (
        EmailAddress(user_id=pk, email=email.lower(), verified=True, primary=True)
        for pk, email in unknown.values_list("pk", "email")
    )
    EmailAddress.objects.bulk_create(list(rows), batch_size=BATCH, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0004_limits"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(know_addresses, migrations.RunPython.noop)]
