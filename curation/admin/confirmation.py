"""Confirmations: each is bound to one action, and to the records and their versions, that its page has shown."""

from django.core.signing import BadSignature, Signer

OVERTAKEN = "What you confirmed is not what would be done now: records have changed, come or gone. Nothing was changed."
UNCONFIRMED = (
    "What you confirmed is not what would be done now: no confirmation of it came from its page. Nothing was changed."
)
FIELD = "confirmed"  # of a form: the signed seal of what its page has shown
NOTHING = "not confirmed"  # equal to no seal


def show(request, about: str, seal: str) -> dict[str, str]:
    """Return what the page of a confirmation *about* something needs: the signed seal of what it shows."""
    return {"confirmed": _signer(request, about).sign(seal), "confirmed_name": FIELD}


def seal_confirmed(request, about: str) -> str:
    """Return the seal that is confirmed; NOTHING where none came, or one of another action or user."""
    try:
        return _signer(request, about).unsign(request.POST.get(FIELD, ""))
    except BadSignature:
        return NOTHING


def told(request, about: str) -> str:
    """Return why a confirmation does not hold."""
    return UNCONFIRMED if seal_confirmed(request, about) == NOTHING else OVERTAKEN


def _signer(request, about: str) -> Signer:
    return Signer(salt=f"{__name__} {request.user.pk} {about}")
