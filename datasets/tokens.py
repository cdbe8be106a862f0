"""Tokens: what a program shows instead of a password; it acts as its account, within its scopes and its time."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

SCOPES = ("read", "import")
DAYS, MOST_DAYS = 90, 365  # for which a token is good
PREFIX = "tabularium_"  # by which those who search for secrets know one


def digest_of(secret: str) -> str:
    """Return what is stored of a secret: it is random and long, so that a plain hash does not give it away."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def in_days(days: int = DAYS) -> datetime:
    """Return the moment at which a token that is made now and good for *days* expires."""
    return timezone.now() + timedelta(days=days)


class ApiToken(models.Model):
    """A token of an account. Its secret is told once, when it is made; only a hash of it is stored."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What it is for, such as the program that uses it.")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the secret.")
    may_read = models.BooleanField("read", default=True, help_text="Scope read: lists, records and imports.")
    may_import = models.BooleanField("import", default=False, help_text="Scope import: start and steer imports.")
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(default=in_days, help_text=f"At most {MOST_DAYS} days from now.")
    last_used = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")
    revoked = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "api_tokens"
        ordering = ["-pk"]
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_import=True),
                name="api_tokens_have_a_scope",
                violation_error_message="Give it a scope: read, import, or both.",
            ),
            models.CheckConstraint(
                condition=Q(expires__gt=F("created")),
                name="api_tokens_expire_after_they_are_made",
                violation_error_message="It would have expired already.",
            ),
        ]

    def __str__(self):
        return f"{self.name} of {self.account}"

    def clean(self) -> None:
        """See that it is good for a while and not for ever, and that no other good one of its account is called so."""
        if self.expires and not self.created < self.expires <= in_days(MOST_DAYS) + timedelta(days=1):
            raise ValidationError({"expires": f"Expected a moment within the next {MOST_DAYS} days."})
        alike = ApiToken.objects.filter(account_id=self.account_id, name=self.name, revoked=None)
        if self.state == "good" and (other := alike.filter(expires__gt=timezone.now()).exclude(pk=self.pk).first()):
            raise ValidationError(
                {"name": f"Token {other.pk} of this account has this name and is good. Take another, or revoke it."}
            )

    @property
    def scopes(self) -> list[str]:
        """What it may be used for."""
        return [scope for scope in SCOPES if getattr(self, f"may_{scope}")]

    @property
    def state(self) -> str:
        """Whether it is good: ``good``, ``expired`` or ``revoked``."""
        return "revoked" if self.revoked else "expired" if self.expires <= timezone.now() else "good"

    def give_secret(self) -> str:
        """Return a new secret for the token, which stores the hash of it; it has to be saved."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.digest = digest_of(secret)
        return secret

    def revoke(self) -> None:
        """Make it good for nothing from now on; that it was revoked earlier stays."""
        ApiToken.objects.filter(pk=self.pk, revoked=None).update(revoked=timezone.now())
        self.refresh_from_db(fields=["revoked"])


def make_token(account, name: str, scopes: Collection[str], days: int = DAYS) -> tuple[ApiToken, str]:
    """Store a token of *account* and return it with its secret; raises ValidationError."""
    token = ApiToken(account=account, name=name, expires=in_days(days))
    for scope in SCOPES:
        setattr(token, f"may_{scope}", scope in scopes)
    secret = token.give_secret()
    token.full_clean()
    token.save()
    return token, secret
