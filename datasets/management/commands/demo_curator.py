"""Create a demo account with the role of a curator. This requires DEBUG and SQLite."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import CommandError
from django.db import connection

from datasets.command_errors import TerminalCommand
from datasets.roles import CURATORS

NAME = "curator"


class Command(TerminalCommand):
    help = f"{__doc__} Its random password is stored in a file beside the database."

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo account needs DEBUG on. To create another account, run: manage.py createsuperuser"
            )
        if connection.vendor != "sqlite":
            self.stdout.write("The demo account needs SQLite. To create an account, run: manage.py createsuperuser")
            return
        file = Path(settings.DATABASES["default"]["NAME"]).with_name("demo_curator.txt")
        users = get_user_model().objects
        user = users.filter(username=NAME).first()
        if user is None:
            password = secrets.token_urlsafe(9)
            user = users.create_user(NAME, password=password, is_staff=True)
            user.groups.add(Group.objects.get(name=CURATORS))
            file.write_text(f"{password}\n")
            file.chmod(0o600)
        password = file.read_text().strip() if file.exists() else "(the one you chose)"
        self.stdout.write(f"Sign in at /admin/ as {NAME}, password {password}")
