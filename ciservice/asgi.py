"""The door for gunicorn's ASGI worker."""

import django
from django.conf import settings
from django.core.asgi import get_asgi_application

from ciservice import env
from ciservice.body_limit import BodyLimit

env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
django.setup(set_prefix=False)
application = BodyLimit(get_asgi_application(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
