"""Create the first account if there is none, and print a link to set its password."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from datasets.command_errors import TerminalCommand

NAME = "admin"


class Command(TerminalCommand):
    help = (
        f"{__doc__} The link works once and expires after 3 days. Until a password is set, the command prints a new "
        "link each time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--site", default="http://localhost:8000", metavar="URL", help="the URL of the site")
        parser.add_argument("--username", default=NAME, help=f"the name of the new account (default: {NAME})")

    def handle(self, *, site: str, username: str, **options: Any) -> None:
        users = get_user_model()
        account = users.objects.order_by("pk").first()
        if account is None:
            account = users.objects.create_superuser(username)  # it has no password, so sign-in is not possible yet
        elif account.has_usable_password() or users.objects.count() > 1:
            return
        link = reverse(
            "password_reset_confirm",
            args=[urlsafe_base64_encode(force_bytes(account.pk)), default_token_generator.make_token(account)],
        )
        site = site if "://" in site else f"https://{site}"
        if not site.removeprefix("http://").removeprefix("https://").strip("/"):
            raise CommandError(f"--site {site}: expected a URL, such as https://data.example.org")
        self.stdout.write(
            f"The account {account.get_username()} has no password yet. Set one with this link, which works once:\n"
            f"  {site.rstrip('/')}{link}"
        )
