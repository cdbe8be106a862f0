"""Compare the site with the model."""

from collections.abc import Callable
from decimal import Context, Decimal

from tests.model.tables import ActionRefusedError, Rec, Tables

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


def effect_of(tables: Tables, step: Callable[[Tables], object]) -> dict | None:
    """Return the effect of a step on the tables: each record before and after; None if it is refused."""
    trial = tables.copy()
    try:
        step(trial)
    except ActionRefusedError:
        return None
    places = {*tables.records, *trial.records}
    rows = {place: (tables.records.get(place), trial.records.get(place)) for place in places}
    return {place: tuple(map(spelled, pair)) for place, pair in rows.items() if spelled(pair[0]) != spelled(pair[1])}
