"""The evidence that two different values are versions of one: the likeness of their texts, in bits.

A name with a typo, or another day of the same year, is more like the original than the value of another record. The
likeness of two texts is the length of their equal start and equal end, as a share of the longer text. As with equal
values, it counts by how improbable it is that two different values of the column are at least as alike by chance.
"""

import numpy as np
import pyarrow as pa

MOST_BITS = 8.0
COMPARED = 4_000  # pairs of values in the sample
LENGTH = 40  # characters of a text; the others are ignored


class NearValues:
    """The *texts* of a column by code, and how alike two values in *sample*, an array of codes, are by chance."""

    def __init__(self, texts: pa.Array, sample: np.ndarray):
        values = [text[:LENGTH] for text in texts.to_pylist()] + [""]  # the last code is that of missing values
        self.starts, self.ends = (np.array(each, f"U{LENGTH}") for each in (values, [text[::-1] for text in values]))
        left, right = np.random.default_rng(0).choice(sample, (2, COMPARED))
        different = left != right
        self.by_chance = np.sort(self._likeness(left[different], right[different]))

    def bits(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the evidence of each pair of different values."""
        count = len(self.by_chance)
        as_alike = count - np.searchsorted(self.by_chance, self._likeness(left, right) - 1e-9)
        bits: np.ndarray = np.minimum(-np.log2((as_alike + 1) / (count + 1)), MOST_BITS)
        return bits

    def _likeness(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        common = sum(_common_start(texts[left], texts[right]) for texts in (self.starts, self.ends))
        shorter, longer = np.sort([np.char.str_len(self.starts[codes]) for codes in (left, right)], axis=0)
        likeness: np.ndarray = np.minimum(common, shorter) / np.maximum(longer, 1)
        return likeness


def _common_start(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the number of equal characters at the start of each pair of texts."""
    first, second = (texts.view(np.uint32).reshape(len(texts), LENGTH) for texts in (left, right))
    lengths: np.ndarray = np.logical_and.accumulate((first == second) & (first > 0), axis=1).sum(1)
    return lengths
