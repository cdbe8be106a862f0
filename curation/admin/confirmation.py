"""Confirmations: each is bound to one user, one action, and the state of the records on the confirmation page."""

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

OVERTAKEN = "The records have changed since you opened the confirmation page. Nothing was changed."
UNCONFIRMED = "This action must be confirmed on its confirmation page. Nothing was changed."
FIELD = "confirmed"  # form field with the signed seal of the confirmation page
NOTHING = "not confirmed"  # never equal to a seal


def show(request: HttpRequest, about: str, seal: str) -> dict[str, str]:
    """Return the template context of a confirmation page for the action *about*: the signed seal."""
    return {"confirmed": _signer(request, about).sign(seal), "confirmed_name": FIELD}


def seal_confirmed(request: HttpRequest, about: str) -> str:
    """Return the confirmed seal; NOTHING if it is missing or belongs to another action or user."""
    try:
        return _signer(request, about).unsign(request.POST.get(FIELD, ""))
    except BadSignature:
        return NOTHING


def refusal(request: HttpRequest, about: str) -> str:
    """Return why a confirmation is not valid, as a message."""
    return UNCONFIRMED if seal_confirmed(request, about) == NOTHING else OVERTAKEN


def _signer(request: HttpRequest, about: str) -> Signer:
    return Signer(salt=f"{__name__} {request.user.pk} {about}")
