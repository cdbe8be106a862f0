"""The sizes that the record batches of a Feather file declare, read from their metadata before any is unpacked.

The metadata is a FlatBuffer (Message, RecordBatch and DictionaryBatch of Arrow's format/Message.fbs).
"""

import struct
from collections.abc import Iterator

import pyarrow as pa

MAGIC = 8  # bytes before the first message
DICTIONARY, RECORDS = 2, 3  # types of a message's header
BUFFERS, COMPRESSION, DATA = 2, 3, 1  # fields of RecordBatch, and the field of DictionaryBatch with a RecordBatch


def largest_message(source: pa.NativeFile) -> int:
    """Return the declared size in memory of the largest record batch or dictionary, in bytes.

    Raises ValueError or pa.ArrowException for damaged metadata.
    """
    return max((_size(message) for message in _messages(source)), default=0)


def _messages(source: pa.NativeFile) -> Iterator[pa.ipc.Message]:
    source.seek(MAGIC)
    reader = pa.ipc.MessageReader.open_stream(source)
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            source.seek(0)
            return


def _size(message: pa.ipc.Message) -> int:
    try:
        return _declared(message.metadata.to_pybytes(), message.body)
    except (struct.error, IndexError) as error:
        raise ValueError(f"its metadata is damaged: {error}") from None


def _declared(metadata: bytes, body: pa.Buffer | None) -> int:
    root = _offset(metadata, 0)
    kind, header = _field(metadata, root, 1), _field(metadata, root, 2)
    if kind is None or header is None or body is None or metadata[kind] not in (DICTIONARY, RECORDS):
        return 0
    batch = _offset(metadata, header)
    if metadata[kind] == DICTIONARY:
        data = _field(metadata, batch, DATA)
        if data is None:
            return 0
        batch = _offset(metadata, data)
    buffers, is_compressed = _field(metadata, batch, BUFFERS), _field(metadata, batch, COMPRESSION) is not None
    if buffers is None:
        return 0
    vector, total = _offset(metadata, buffers), 0
    (count,) = struct.unpack_from("<I", metadata, vector)
    for index in range(count):
        offset, length = struct.unpack_from("<qq", metadata, vector + 4 + 16 * index)
        size = length
        if is_compressed and length >= 8:
            (declared,) = struct.unpack_from("<q", body, offset)
            size = length if declared < 0 else declared  # -1: this buffer is not compressed
        total += max(size, 0)
    return total


def _offset(data: bytes, position: int) -> int:
    """Return the position to which the offset at *position* points."""
    (offset,) = struct.unpack_from("<I", data, position)
    return position + int(offset)


def _field(data: bytes, table: int, slot: int) -> int | None:
    """Return the position of a field of a table, or None if it is absent."""
    (back,) = struct.unpack_from("<i", data, table)
    entries = table - back
    (size,) = struct.unpack_from("<H", data, entries)
    if 4 + 2 * slot >= size:
        return None
    (relative,) = struct.unpack_from("<H", data, entries + 4 + 2 * slot)
    return table + relative if relative else None
