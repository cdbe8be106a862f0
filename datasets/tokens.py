"""API tokens, with which a program acts as an account, limited by the token's scopes and expiry date."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

SCOPES = ("read", "import")
DAYS, MOST_DAYS = 90, 365  # default and maximum lifetime of a token
PREFIX = "tabularium_"  # makes tokens recognizable to secret scanners


def digest_of(secret: str) -> str:
    """Return the stored hash of a secret. A plain hash is safe, because the secret is long and random."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def in_days(days: int = DAYS) -> datetime:
    """Return the expiry time of a token that is created now and is valid for *days*."""
    return timezone.now() + timedelta(days=days)


class ApiToken(models.Model):
    """A token of an account. Its secret is shown only once, on creation. The database stores only its hash."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="Purpose of the token, such as the program that uses it.")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the secret.")
    may_read = models.BooleanField("read", default=True, help_text="Scope read: read lists, records and imports.")
    may_import = models.BooleanField(
        "import", default=False, help_text="Scope import: start, apply, cancel and undo imports."
    )
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(default=in_days, help_text=f"At most {MOST_DAYS} days from now.")
    last_used = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Time of the last use, accurate to one minute."
    )
    revoked = models.DateTimeField(null=True, blank=True, editable=False)

    secret_once: str  # the secret of a token that the admin has just created; never stored

    class Meta:
        db_table = "api_tokens"
        ordering = ["-pk"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_import=True),
                name="api_tokens_have_a_scope",
                violation_error_message="Select a scope: read, import, or both.",
            ),
            models.CheckConstraint(
                condition=Q(expires__gt=F("created")),
                name="api_tokens_expire_after_they_are_made",
                violation_error_message="The expiry time must be in the future.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.account}"

    def clean(self) -> None:
        """Validate that the token expires within MOST_DAYS, and that its name is unique among the valid tokens."""
        if self.expires and not self.created < self.expires <= in_days(MOST_DAYS) + timedelta(days=1):
            raise ValidationError({"expires": f"The expiry time must be within the next {MOST_DAYS} days."})
        alike = ApiToken.objects.filter(account_id=self.account_id, name=self.name, revoked=None)
        if self.state == "good" and (other := alike.filter(expires__gt=timezone.now()).exclude(pk=self.pk).first()):
            taken = f"Token {other.pk} of this account is valid and has this name."
            raise ValidationError({"name": f"{taken} Choose another name, or revoke that token."})

    @property
    def scopes(self) -> list[str]:
        """The scopes of the token."""
        return [scope for scope in SCOPES if getattr(self, f"may_{scope}")]

    @property
    def state(self) -> str:
        """The state of the token: ``good``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked else "expired" if self.expires <= timezone.now() else "good"

    def give_secret(self) -> str:
        """Return a new secret, and set the token's digest to its hash. The caller must save the token."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.digest = digest_of(secret)
        return secret

    def revoke(self) -> None:
        """Revoke the token now. If it is already revoked, the time does not change."""
        ApiToken.objects.filter(pk=self.pk, revoked=None).update(revoked=timezone.now())
        self.refresh_from_db(fields=["revoked"])


def make_token(account: User, name: str, scopes: Collection[str], days: int = DAYS) -> tuple[ApiToken, str]:
    """Create a token for *account*, and return it with its secret. Raises ValidationError."""
    token = ApiToken(account=account, name=name, expires=in_days(days))
    for scope in SCOPES:
        setattr(token, f"may_{scope}", scope in scopes)
    secret = token.give_secret()
    token.full_clean()
    token.save()
    return token, secret
