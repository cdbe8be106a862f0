"""Convert the typed columns of a table to the text that a CSV file would have."""

import pyarrow as pa
import pyarrow.compute as pc

LIST_SEPARATOR = ";"
MIDNIGHT = r"[ T]00:00:00(?:\.0+)?(?:Z|\+00:?00)?$"


class NestedTypeError(Exception):
    """A type whose values have no text, such as a struct."""


def texts(column: pa.Array) -> pa.Array:
    """Return the text of each value. A missing value is an empty text, and a list is joined by semicolons.

    A time at midnight is a date. Raises NestedTypeError, and pa.ArrowInvalid for text that is not UTF-8.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _decoded(texts(column.dictionary), column.indices)
    if isinstance(kind, pa.ExtensionType):
        return texts(column.storage)
    if pa.types.is_null(kind):
        return pa.repeat("", len(column))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _joined(column)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return pc.fill_null(pc.cast(column, pa.string()), "")
    if pa.types.is_timestamp(kind):
        written = pc.replace_substring_regex(pc.cast(column, pa.string()), MIDNIGHT, "")
        return pc.fill_null(written, "")
    try:
        return pc.fill_null(pc.cast(column, pa.string()), "")
    except pa.ArrowNotImplementedError:
        raise NestedTypeError(str(kind)) from None


def _decoded(values: pa.Array, indices: pa.Array) -> pa.Array:
    """Return a dictionary of the distinct *values*, with an empty text instead of a missing value."""
    if indices.null_count:
        values = pa.concat_arrays([values, pa.array([""])])
        indices = pc.fill_null(pc.cast(indices, pa.int32()), len(values) - 1)
    return pa.DictionaryArray.from_arrays(pc.cast(indices, pa.int32()), values)


def _joined(column: pa.Array) -> pa.Array:
    parts = pc.list_flatten(column)
    kind = parts.type
    if pa.types.is_nested(kind):
        raise NestedTypeError(str(column.type))
    flat = texts(parts)
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array([0, *lengths.cumsum().tolist()], pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(offsets, flat), LIST_SEPARATOR)
