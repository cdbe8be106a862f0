"""Create an API token, list tokens, or revoke one."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from datasets.command_errors import TerminalCommand
from datasets.tokens import DAYS, MOST_DAYS, SCOPES, ApiToken, make_token


class Command(TerminalCommand):
    help = f"{__doc__} The command prints the new token to standard output; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", help="the account of the token")
        parser.add_argument("--name", help="the token's purpose, such as the program that uses it")
        parser.add_argument(
            "--scope", action="append", choices=SCOPES, help="a scope of the token; can be repeated (default: read)"
        )
        days = f"days until the token expires, at most {MOST_DAYS} (default: {DAYS})"
        parser.add_argument("--days", type=int, default=DAYS, help=days)
        parser.add_argument("--list", action="store_true", help="list the tokens of the account, or all tokens")
        parser.add_argument("--revoke", type=int, metavar="ID", help="revoke the token with this ID")

    def handle(self, *, username: str | None, name: str | None, scope: list[str] | None, **options: Any) -> None:
        if options["revoke"] is not None:
            self._revoke(options["revoke"])
        elif options["list"]:
            self._list(self._account(username) if username else None)
        else:
            self._make(username, name, scope or ["read"], options["days"])

    def _make(self, username: str | None, name: str | None, scopes: list[str], days: int) -> None:
        if not username or not name:
            raise CommandError("Enter an account and a name: manage.py api_token USERNAME --name NAME")
        if not 0 < days <= MOST_DAYS:
            raise CommandError(f"--days {days}: expected a whole number between 1 and {MOST_DAYS}.")
        account = self._account(username)
        if not account.is_active:
            raise CommandError(f"The account {username} is not active, so it cannot use a token.")
        try:
            token, secret = make_token(account, name, scopes, days)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stderr.write(
            f"Token {token.pk}, {token}: {', '.join(token.scopes)}, until {token.expires:%Y-%m-%d %H:%M} UTC. "
            "It cannot be shown again."
        )
        self.stdout.write(secret)

    def _list(self, account: User | None) -> None:
        tokens = ApiToken.objects.select_related("account").order_by("pk")
        for token in tokens.filter(account=account) if account else tokens:
            used = f"last used {token.last_used:%Y-%m-%d %H:%M}" if token.last_used else "never used"
            self.stdout.write(
                f"{token.pk}  {token}  {', '.join(token.scopes)}  {token.state}, until {token.expires:%Y-%m-%d}, {used}"
            )

    def _revoke(self, number: int) -> None:
        token = ApiToken.objects.filter(pk=number).first()
        if token is None:
            raise CommandError(f"There is no token {number}. To list all tokens, run: manage.py api_token --list")
        token.revoke()
        self.stdout.write(f"Revoked token {number}, {token}.")

    def _account(self, username: str) -> User:
        users = get_user_model()
        account = users.objects.filter(**{users.USERNAME_FIELD: username}).first()
        if account is None:
            raise CommandError(f"There is no account {username}. To create one, run: manage.py createsuperuser")
        return account
