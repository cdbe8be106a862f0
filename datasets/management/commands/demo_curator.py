"""Make a curator to try the site out with; only with DEBUG on and the embedded database."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import CommandError
from django.db import connection

from datasets.command_errors import TerminalCommand
from datasets.roles import CURATORS

NAME = "curator"


class Command(TerminalCommand):
    help = f"{__doc__} The password is made at random, once, and kept beside the database."

    def handle(self, **options) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "A demo curator is made only with DEBUG on. For an account, type: manage.py createsuperuser"
            )
        if connection.vendor != "sqlite":
            self.stdout.write("No demo curator on this database. For an account, type: manage.py createsuperuser")
            return
        kept = Path(settings.DATABASES["default"]["NAME"]).with_name("demo_curator.txt")
        users = get_user_model().objects
        user = users.filter(username=NAME).first()
        if user is None:
            password = secrets.token_urlsafe(9)
            user = users.create_user(NAME, password=password, is_staff=True)
            user.groups.add(Group.objects.get(name=CURATORS))
            kept.write_text(f"{password}\n")
            kept.chmod(0o600)
        password = kept.read_text().strip() if kept.exists() else "the one you chose"
        self.stdout.write(f"Sign in at /admin/ as {NAME}, password {password}")
