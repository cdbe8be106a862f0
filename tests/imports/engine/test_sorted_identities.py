"""The identities of records are sorted, however many there are and however they are distributed."""

import numpy as np
import pytest

from imports.engine.sorted_identities import SortedIdentities


@pytest.mark.parametrize("highest", [2**64 - 1, 2**58], ids=["evenly distributed", "in one part"])
@pytest.mark.parametrize("expected", [0, 1_000], ids=["more than expected", "as expected"])
def test_identities_are_sorted_with_their_bytes(highest, expected):
    numbers = np.random.default_rng(1)
    low = numbers.integers(highest, size=1_000, dtype=np.uint64)
    rows = SortedIdentities(expected)
    for start in range(0, 1_000, 250):
        block = low[start : start + 250]
        rows.add(np.stack([block, ~block]), (block % 251).astype(np.uint8))
    first, second, bits = rows.sorted()
    assert first.tolist() == sorted(low.tolist())
    assert (second == ~first).all()
    assert (bits == first % 251).all()


def test_no_identities_are_sorted():
    assert [len(array) for array in SortedIdentities(0).sorted()] == [0, 0, 0]
