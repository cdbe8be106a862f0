"""The analytical copy of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from analytics.writer import Copied, copy
from config.analytics import Analytics


class Copies:
    """The copy in a folder of this test, which can be switched off."""

    def __init__(self, settings, folder):
        self.settings, self.place = settings, Analytics(copy=str(folder), minutes=0)

    def write(self, dataset: str, **options) -> Copied | None:
        with self.used():
            return copy(dataset, **options)

    def files(self, dataset: str) -> list[Path]:
        """Return all files of a dataset's copy."""
        return sorted(path for path in Path(self.place.copy, dataset).rglob("*") if path.is_file())

    @contextmanager
    def used(self, **changes) -> Iterator[None]:
        """Use the copy in the block."""
        before, self.settings.ANALYTICS = self.settings.ANALYTICS, replace(self.place, **changes)
        try:
            yield
        finally:
            self.settings.ANALYTICS = before
