"""The door for gunicorn: settings that cannot work stop it with their sentence."""

import os
import sys
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    application = get_wsgi_application()
    import_module(settings.ROOT_URLCONF)  # before gunicorn forks: once for all processes, and not at a first request
except ImproperlyConfigured as error:
    print(error, file=sys.stderr)
    # gunicorn starts a worker that ended with 1 again and again; 4 tells it that no other would do better.
    sys.exit(4 if "gunicorn.arbiter" in sys.modules else 1)
