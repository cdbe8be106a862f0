"""Which tables and views there are, by the names that their addresses have: ``census/respondents``."""

from collections.abc import Iterable

from django.db import models
from django.utils.module_loading import autodiscover_modules

from datasets.api import router
from datasets.models import Lookup, MaterializedView, Record
from datasets.suggestions import closest

KINDS = (Record, Lookup, MaterializedView)


def served_tables() -> dict[str, type[models.Model]]:
    """Return every table and view that the API serves, by its name, in the order of datasets and tables."""
    autodiscover_modules("api")  # where a command asks, no address has been resolved
    served = {prefix: getattr(viewset, "model", None) for prefix, viewset, _ in router.registry}
    return {name: model for name, model in served.items() if model and issubclass(model, KINDS)}


def nearest_name(asked: str, names: Iterable[str]) -> str | None:
    """Return the one of *names* that *asked* may have meant: one of the same table, or the most alike; or None."""
    names, table = list(names), asked.rpartition("/")[2]
    tables = {name.rpartition("/")[2]: name for name in reversed(names)}
    return tables.get(table) or closest(asked, names) or tables.get(closest(table, tables))
