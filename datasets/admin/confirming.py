"""Confirmations: each is bound to the records, and to their versions, that its page has shown."""

import hashlib

OVERTAKEN = "What you confirmed is not what would be done now: records have changed, come or gone. Nothing was changed."
FIELD = "confirmed"  # of a form: the seal of what its page has shown
KEPT = "confirmations"  # in the session: the seals that were shown last, for a client that does not send them back
MOST = 20


def show(request, about: str, seal: str) -> dict[str, str]:
    """Return what the page of a confirmation *about* something needs: the seal of what it shows, for its form."""
    kept = request.session.get(KEPT, {})
    kept.pop(_name(about), None)
    request.session[KEPT] = dict([*kept.items(), (_name(about), seal)][-MOST:])
    return {"confirmed": seal, "confirmed_name": FIELD}


def seal_confirmed(request, about: str) -> str:
    """Return the seal that is confirmed; an empty text where no page has shown anything to this session."""
    return request.POST.get(FIELD) or request.session.get(KEPT, {}).get(_name(about), "")


def forget(request, about: str) -> None:
    """Drop a confirmation that has been obeyed."""
    kept = request.session.get(KEPT, {})
    if kept.pop(_name(about), None):
        request.session[KEPT] = kept


def _name(about: str) -> str:
    return hashlib.sha256(about.encode()).hexdigest()[:32]
