"""Masked values of personal fields: an import refuses them, because they would overwrite the real values."""

from collections.abc import Iterable, Iterator

from datasets.text import shown
from imports.models import SourceFile
from imports.readers import Batch, ReadError
from imports.validation import BatchValidator, MaskedValueError, ValidatedBatch


def checked(validator: BatchValidator, file: SourceFile, batches: Iterable[Batch]) -> Iterator[ValidatedBatch]:
    """Validate the batches of a table; raise ReadError for a masked value."""
    for batch in batches:
        try:
            yield validator.check(batch)
        except MaskedValueError as error:
            raise error_of(file, int(batch.lines[error.row]), error) from None


def error_of(file: SourceFile, line: int, error: MaskedValueError) -> ReadError:
    """Return the ReadError for a masked value."""
    return ReadError(
        f"{file.original_name}, line {line}: {error.column} is masked ({shown(error.value)}). Expected the full value, "
        f"because imports do not store masked values. Export the table again with permission to see {error.column}, or "
        "enter the full values."
    )
