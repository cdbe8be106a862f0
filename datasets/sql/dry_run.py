"""Preview a change: the same code as the change itself, rolled back at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


class Preview:
    """Changes that are rolled back at the end of their block, unless :meth:`keep` is called in it."""

    kept = False

    def keep(self) -> None:
        self.kept = True


@contextmanager
def rolled_back() -> Iterator[Preview]:
    """Run the block in a transaction, or a savepoint, and roll it back at its end."""
    with transaction.atomic():
        preview = Preview()
        yield preview
        if not preview.kept:
            transaction.set_rollback(True)
