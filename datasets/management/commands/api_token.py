"""Make a token for the API, list an account's tokens, or revoke one."""

from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from datasets.command_errors import TerminalCommand
from datasets.tokens import DAYS, MOST_DAYS, SCOPES, ApiToken, make_token


class Command(TerminalCommand):
    help = f"{__doc__} A new token is printed once, alone on standard output, and cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", help="the account that the token acts as")
        parser.add_argument("--name", help="what the token is for, such as the program that uses it")
        parser.add_argument(
            "--scope", action="append", choices=SCOPES, help="what it may be used for; may be given twice (read)"
        )
        parser.add_argument("--days", type=int, default=DAYS, help=f"how long it is good, at most {MOST_DAYS} ({DAYS})")
        parser.add_argument("--list", action="store_true", help="list the tokens, of the account or of all")
        parser.add_argument("--revoke", type=int, metavar="ID", help="let the token with this number, as listed, go")

    def handle(self, *, username: str | None, name: str | None, scope: list[str] | None, **options) -> None:
        if options["revoke"] is not None:
            self._revoke(options["revoke"])
        elif options["list"]:
            self._list(self._account(username) if username else None)
        else:
            self._make(username, name, scope or ["read"], options["days"])

    def _make(self, username: str | None, name: str | None, scopes: list[str], days: int) -> None:
        if not username or not name:
            raise CommandError("Expected an account and a name. Type: manage.py api_token USERNAME --name NAME")
        if not 0 < days <= MOST_DAYS:
            raise CommandError(f"--days {days}: expected a whole number between 1 and {MOST_DAYS}.")
        account = self._account(username)
        if not account.is_active:
            raise CommandError(f"The account {username} is not active: it could not use a token.")
        try:
            token, secret = make_token(account, name, scopes, days)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stderr.write(
            f"Token {token.pk}, {token}: {', '.join(token.scopes)}, until {token.expires:%Y-%m-%d %H:%M} UTC. "
            "It is not shown again."
        )
        self.stdout.write(secret)

    def _list(self, account) -> None:
        tokens = ApiToken.objects.select_related("account").order_by("pk")
        for token in tokens.filter(account=account) if account else tokens:
            used = f"last used {token.last_used:%Y-%m-%d %H:%M}" if token.last_used else "never used"
            self.stdout.write(
                f"{token.pk}  {token}  {', '.join(token.scopes)}  {token.state}, until {token.expires:%Y-%m-%d}, {used}"
            )

    def _revoke(self, number: int) -> None:
        token = ApiToken.objects.filter(pk=number).first()
        if token is None:
            raise CommandError(f"There is no token {number}. To see which there are, type: manage.py api_token --list")
        token.revoke()
        self.stdout.write(f"Token {number}, {token}, is revoked.")

    def _account(self, username: str):
        users = get_user_model()
        account = users.objects.filter(**{users.USERNAME_FIELD: username}).first()
        if account is None:
            raise CommandError(f"There is no account {username}. To make one, type: manage.py createsuperuser")
        return account
