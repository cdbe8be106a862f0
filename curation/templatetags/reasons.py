"""Template tags for reasons: the input of a form, and the text as a user may see it."""

from typing import Any

from django import template

from curation.admin.reasons import FIELD
from imports.masking import readable
from imports.models import LONGEST_REASON

register = template.Library()
register.filter("for_user", readable, is_safe=False)


@register.inclusion_tag("curation/reason.html", takes_context=True)
def reason_field(context: template.Context, form: str = "") -> dict[str, Any]:
    """Return the input for a reason; *form* is the id of its form if the input is outside of it."""
    typed = "" if form else context["request"].POST.get(FIELD, "")
    return {"name": FIELD, "typed": typed, "form": form, "longest": LONGEST_REASON}
