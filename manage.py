#!/usr/bin/env python3
"""Runs Django's and the datasets' commands: manage.py help lists them."""

import atexit
import gc
import os
import sys


def main() -> int:
    """Runs the command; settings that cannot work are a sentence, not a traceback (ask for one with --traceback)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    atexit.register(gc.freeze)  # or Python looks for garbage as it exits, for as long as a short command takes
    try:
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError
    except ImportError:
        print(
            "Django is not installed for this Python. Type: make install, and then .venv/bin/python manage.py …",
            file=sys.stderr,
        )
        return 1
    try:
        if sys.argv[1:2] not in ([], ["help"], ["--help"], ["-h"], ["version"], ["--version"]):
            settings.INSTALLED_APPS  # noqa: B018 - without settings some commands, such as check, go on and stumble
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        print(error, file=sys.stderr)
        return 1
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        print(
            f"The database is not available: {str(error).strip().splitlines()[0]}. Check that DATABASE_URL is "
            "correct, that its server is running, and that the database and the role exist.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
