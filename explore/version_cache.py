"""A process-local cache of results that depend on the version of the data."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from datasets.records.masking import hidden_fields
from datasets.versions import versions_behind
from explore.url_state import State

R = TypeVar("R")


class VersionCache(Generic[R]):
    """Keeps the *most* recently used results."""

    def __init__(self, most: int):
        self.most = most
        self._results: OrderedDict[Hashable, R] = OrderedDict()
        self._lock = Lock()

    def get(
        self, state: State, about: Hashable, make: Callable[[], R], filters: tuple[tuple[str, str], ...] | None = None
    ) -> R:
        """Return the result *about* the records of *state* from the cache, or the one that *make* returns.

        *filters* are those of the records, if they are not those of the state.
        """
        version = versions_behind(state.model)  # before the records, so that the cache never holds older ones
        hidden = ",".join(sorted(hidden_fields(state.model, state.user)))
        filters = tuple(sorted(state.filters.items())) if filters is None else filters
        key: Any = (state.model, about, filters, version, hidden)
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        result = make()
        with self._lock:
            self._results[key] = result
            while len(self._results) > self.most:
                self._results.popitem(last=False)
        return result
