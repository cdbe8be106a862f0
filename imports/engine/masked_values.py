"""Masked values of personal fields: an import refuses them, or they would replace the values themselves."""

from collections.abc import Iterable, Iterator

from datasets.text import shown
from imports.models import SourceFile
from imports.readers import Batch, ReadError
from imports.validation import Checked, Checker, MaskedValueError


def checked(checker: Checker, file: SourceFile, batches: Iterable[Batch]) -> Iterator[Checked]:
    """Check the batches of a table; raises ReadError for a masked value."""
    for batch in batches:
        try:
            yield checker.check(batch)
        except MaskedValueError as error:
            raise error_of(file, int(batch.lines[error.row]), error) from None


def error_of(file: SourceFile, line: int, error: MaskedValueError) -> ReadError:
    """Return what a person is told of a masked value."""
    return ReadError(
        f"{file.original_name}, line {line}: {error.column} is masked ({shown(error.value)}). Expected the value in "
        "full; an import does not store masked values. Export the table again as an account that may see "
        f"{error.column}, or write the values in full."
    )
