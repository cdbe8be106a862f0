"""WSGI application for gunicorn. If the settings are invalid, the process exits with a message, not a traceback."""

import gc
import os
import sys
from importlib import import_module

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
gc.disable()  # gc.freeze() then keeps the loaded modules out of collections, so that forked workers share them

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
