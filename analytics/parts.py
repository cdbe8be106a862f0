"""Write the parts of a table's copy: Parquet files of about PART_ROWS records each, in the order of their keys."""

from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Any

import pyarrow.parquet
from django.db import connections, models

from analytics.columns import copied_columns, copied_records, types_of
from analytics.manifest import Key, Part, TableCopy
from analytics.storage import Storage
from exports import copy_rows, python_rows
from exports.parquet import parquet

PART_ROWS = 2**18  # about 7 MB; a change of one record writes one part


class PartWriter:
    """Writes the parts of one table into *folder*."""

    def __init__(self, model: type[models.Model], storage: Storage, folder: str):
        self.model, self.storage, self.folder = model, storage, folder
        self.columns = copied_columns(model)
        self.written = 0  # the number of parts

    def write(self, copy: TableCopy | None, stale: set[int]) -> TableCopy:
        """Return the new copy of the table: the parts of *copy* that are not *stale*, and new ones. Raises OSError."""
        old = copy.parts if copy else ()
        lows = [None, *(part.low for part in old[1:])]
        parts: list[Part] = []
        for n, (low, high) in enumerate(zip(lows, [*lows[1:], None], strict=True)):
            parts += [old[n]] if old and n not in stale else self._parts(low, high)
        return TableCopy(types_of(self.model), tuple(parts))

    def _parts(self, low: Key | None, high: Key | None) -> Iterator[Part]:
        """Write the records from *low* to *high* (None: without a bound) into as many parts as they need."""
        while True:
            records = _between(copied_records(self.model), low, high)
            keys = records.order_by("pk").values_list("pk", flat=True)
            following = next(iter(keys[PART_ROWS : PART_ROWS + 1]), None)
            if part := self._part(_between(records, None, following), low):
                yield part
            if following is None:
                return
            low = following

    def _part(self, records: models.QuerySet[Any], low: Key | None) -> Part | None:
        """Write *records* to a file, or return None without records."""
        csv_rows = (copy_rows if connections[records.db].vendor == "postgresql" else python_rows).csv_rows
        # After an error, the connection can be used only if PostgreSQL's COPY has been stopped.
        with closing(csv_rows(records.order_by("pk"), self.columns)) as rows:
            first = next(rows, None)
            if first is None:
                return None
            path = f"{self.folder}/{self.model._meta.db_table}-{self.written:05}.parquet"
            size = self.storage.write(path, parquet(chain([first], rows), self.columns))
        self.written += 1
        with self.storage.open(path) as file:
            return Part(path, low, pyarrow.parquet.ParquetFile(file).metadata.num_rows, size)


def _between(records: models.QuerySet[Any], low: Key | None, high: Key | None) -> models.QuerySet[Any]:
    bounds = {"pk__gte": low, "pk__lt": high}
    return records.filter(**{name: key for name, key in bounds.items() if key is not None})
