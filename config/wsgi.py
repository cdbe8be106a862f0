"""The door for gunicorn: settings that cannot work stop it with their sentence."""

import os
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Handler(WSGIHandler):
    """Django's own, which begins to send an export only when its first row has been read."""

    def get_response(self, request):
        from datasets.query_time_middleware import begun  # which needs the installed apps

        return begun(request, super().get_response(request))


try:
    django.setup(set_prefix=False)
    application = Handler()
    import_module(settings.ROOT_URLCONF)  # before gunicorn forks: once for all processes, and not at a first request
except ImproperlyConfigured as error:
    print(error, file=sys.stderr)
    # gunicorn starts a worker that ended with 1 again and again; 4 tells it that no other would do better.
    sys.exit(4 if "gunicorn.arbiter" in sys.modules else 1)
