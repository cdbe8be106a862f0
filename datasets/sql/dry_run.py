"""Preview a change by running its code and rolling it back."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


class Preview:
    """Changes that are rolled back at the end of the block, unless :meth:`keep` is called in it."""

    kept = False

    def keep(self) -> None:
        self.kept = True


@contextmanager
def rolled_back() -> Iterator[Preview]:
    """Run the block in a transaction or savepoint, and roll it back at the end."""
    with transaction.atomic():
        preview = Preview()
        yield preview
        if not preview.kept:
            transaction.set_rollback(True)
