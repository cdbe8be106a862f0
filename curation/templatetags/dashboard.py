"""Template tags of the admin's dashboard."""

from django import template

from curation.dashboard import Card, cards_for

register = template.Library()


@register.simple_tag(takes_context=True)
def dataset_cards(context: template.Context) -> list[Card]:
    """Return the dataset cards that the user may view, or only the current app's card."""
    return list(cards_for(context["user"], context.get("app_label")))
