"""The cards of the datasets, for the template of the front page."""

from django import template

from curation.dashboard import cards_for

register = template.Library()


@register.simple_tag(takes_context=True)
def dataset_cards(context) -> list:
    """Return the cards that the reader may see; on the page of one app, its own."""
    return list(cards_for(context["user"], context.get("app_label")))
