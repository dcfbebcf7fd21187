"""The door for gunicorn's ASGI worker."""

import django
from django.core.asgi import get_asgi_application

from ciservice import env

env.put("DJANGO_SETTINGS_MODULE", "ciservice.settings")
django.setup(set_prefix=False)
application = get_asgi_application()
