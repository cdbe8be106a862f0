"""Where the site and the model differ."""

from decimal import Context, Decimal

from tests.model.tables import Rec

MANY_DIGITS = Context(prec=1000)


def different(site: dict, model: dict) -> dict:
    """Where two dictionaries differ: what either has; 5 is not 5.0 here."""
    return {
        place: (site.get(place), model.get(place))
        for place in {*site, *model}
        if spelled(site.get(place)) != spelled(model.get(place))
    }


def spelled(value) -> str:
    """A text that is the same for equal values alone."""
    if isinstance(value, Rec):
        value = vars(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {spelled(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(spelled, value))}]"
    if isinstance(value, Decimal):
        value = MANY_DIGITS.normalize(value) if value else Decimal(0)
    return repr(value)
