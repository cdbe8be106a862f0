"""The reason in the admin's forms: one field, the same on every page that changes records."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from curation.history.edits import EditRefusedError
from imports.reasons import clean_reason

FIELD = "_reason"  # of a form; a table's own field may be called "reason"


def posted_reason(request: HttpRequest) -> str:
    """Return the reason in a posted form. Raises EditRefusedError if it is not valid."""
    try:
        return clean_reason(request.POST.get(FIELD, ""))
    except ValidationError as error:
        raise EditRefusedError(f"Reason: {' '.join(error.messages)} Nothing was changed.") from None
