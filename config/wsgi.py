"""WSGI application for gunicorn. Invalid settings stop it with a message instead of a traceback."""

import gc
import os
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
gc.disable()  # all that is loaded here stays: frozen, it is not examined again, and stays shared after gunicorn forks

try:
    django.setup(set_prefix=False)
    application = import_string("config.query_timeout_middleware.Handler")()  # which needs the installed apps
    import_module(
        settings.ROOT_URLCONF
    )  # before gunicorn forks: once for all processes instead of at the first request
except ImproperlyConfigured as error:
    print(error, file=sys.stderr)
    # gunicorn restarts a worker that exits with 1; 4 (APP_LOAD_ERROR) makes it stop.
    sys.exit(4 if "gunicorn.arbiter" in sys.modules else 1)
gc.freeze()
gc.enable()
