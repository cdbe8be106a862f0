"""Compare the site with the model."""

from decimal import Context, Decimal

from tests.model.tables import Rec

MANY_DIGITS = Context(prec=1000)


def different(site: dict, model: dict) -> dict:
    """Return the differences between two dictionaries; 5 differs from 5.0."""
    return {
        place: (site.get(place), model.get(place))
        for place in {*site, *model}
        if spelled(site.get(place)) != spelled(model.get(place))
    }


def spelled(value) -> str:
    """Return a text that is the same only for equal values of the same type."""
    if isinstance(value, Rec):
        value = vars(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {spelled(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(spelled, value))}]"
    if isinstance(value, Decimal):
        value = MANY_DIGITS.normalize(value) if value else Decimal(0)
    return repr(value)
