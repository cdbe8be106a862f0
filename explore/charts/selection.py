"""The records of a chart, and the filters that select them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import models

from datasets.query_values import listed
from datasets.records.masking import Viewer


@dataclass(frozen=True)
class Selection:
    """*records* of *model* for *user*; *filters* are the parameters of their list's URL that select them.

    *address* is the list's address, to which the marks of a chart link, or "".
    """

    model: type[models.Model]
    records: models.QuerySet[Any]
    user: Viewer = field(default_factory=AnonymousUser)
    filters: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    def chosen(self, column: str) -> tuple[str, ...]:
        """Return the values of *column* that a filter lists, in its order, or none."""
        text = self.filters.get(f"{column}__in")
        return tuple(listed(text)) if text else ()
