"""Advice for an empty list: the filters that hide all records by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

from datasets.records.formatting import describe_filters
from explore.url_state import State

MOST = 12  # filters to try
COUNTED = 1000  # records to count without each filter


@dataclass(frozen=True)
class RemovableFilter:
    """A filter, the query string without it, and the number of records without it."""

    text: str
    query: str
    count: str


def removable_filters(state: State) -> Iterator[RemovableFilter]:
    """Yield each filter of an empty list whose removal alone brings back records."""
    for description in list(describe_filters(state.model, state.filters))[:MOST]:
        count = state.narrowed([description.parameter]).order_by()[: COUNTED + 1].count()
        if count:
            shown = f"more than {COUNTED:,}" if count > COUNTED else f"{count:,}"
            yield RemovableFilter(description.text, state.query(**{description.parameter: None}), shown)
