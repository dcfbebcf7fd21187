"""The door for gunicorn's ASGI worker."""

import django
from django.conf import settings

from ciservice import env
from ciservice.body_limit import BodyLimit
from ciservice.handler import Handler

env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
django.setup(set_prefix=False)
application = BodyLimit(Handler(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
