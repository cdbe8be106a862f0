"""What to do about an empty list: which filter, taken away, would bring records."""

from collections.abc import Iterator
from dataclasses import dataclass

from explore.formatting import filters_told
from explore.url_state import State

MOST = 12  # filters that are tried
COUNTED = 1000  # records that are counted of each


@dataclass(frozen=True)
class Loosened:
    """A filter, the address without it, and how many records there are then."""

    text: str
    query: str
    count: str


def loosened(state: State) -> Iterator[Loosened]:
    """Yield the filters of an empty list that stand in the way of records by themselves."""
    for told in list(filters_told(state.model, state.filters))[:MOST]:
        count = state.narrowed([told.parameter]).order_by()[: COUNTED + 1].count()
        if count:
            shown = f"more than {COUNTED:,}" if count > COUNTED else f"{count:,}"
            yield Loosened(told.text, state.query(**{told.parameter: None}), shown)
