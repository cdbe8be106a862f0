"""The evidence that two rows describe the same record: the information of their equal values, in bits.

A date of birth is stronger evidence than a sex, and a rare name than a common one. As in Fellegi and Sunter, "A theory
for record linkage" (JASA 1969), equal values count by how improbable it is that two rows have them by chance. Columns
depend on each other (a husband is a man), so the probability of a value is conditional on the value of one other
column, chosen as in Chow and Liu, "Approximating discrete probability distributions with dependence trees" (IEEE
Transactions on Information Theory, 1968).
"""

from itertools import combinations

import numpy as np

LEAST_MUTUAL = 0.02  # bits: columns with less mutual information count as independent
MOST_DISTINCT = 0.1  # share of the sample: a column with more distinct values does not predict others
PRIOR_WEIGHT = 4.0  # number of rows that the overall frequency of a value counts for in its conditional frequency


class Frequencies:
    """The frequencies of values and pairs of values in *sample*, an array of codes with a row per record."""

    def __init__(self, sample: np.ndarray):
        self.sample = sample
        self.parents = _tree(sample)  # by column: the column that predicts it best, or -1

    def bits(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the information of each value in *rows*, alone and given the value of the parent column."""
        count = max(len(self.sample), 1)
        alone, given = np.empty(rows.shape, np.float32), np.empty(rows.shape, np.float32)
        for column, parent in enumerate(self.parents.tolist()):
            occurrences = _counts(self.sample[:, column], rows[:, column])
            probability = np.where(occurrences > 1, occurrences / count, 1 / _richness(self.sample[:, column]))
            alone[:, column] = given[:, column] = -np.log2(probability)
            if parent >= 0:
                both = _counts(_joined(self.sample, column, parent), _joined(rows, column, parent))
                of_parent = _counts(self.sample[:, parent], rows[:, parent])
                conditional = (both + PRIOR_WEIGHT * probability) / (of_parent + PRIOR_WEIGHT)
                given[:, column] = -np.log2(conditional)
        return alone, given

    def evidence(self, bits: tuple[np.ndarray, np.ndarray], equal: np.ndarray) -> np.ndarray:
        """Return the information of the values in *equal* columns, a boolean array, for each row of *bits*."""
        alone, given = bits
        has_parent = equal & (self.parents >= 0) & equal[..., np.maximum(self.parents, 0)]
        total: np.ndarray = np.where(has_parent, given, np.where(equal, alone, np.float32(0))).sum(-1, dtype=np.float64)
        return total


def _tree(sample: np.ndarray) -> np.ndarray:
    """Return the parent of each column in the tree with the most mutual information, or -1."""
    count, width = sample.shape
    parents = np.full(width, -1)
    mutual = np.zeros((width, width))
    single = [_entropy(sample[:, column]) for column in range(width)]
    for first, second in combinations(range(width), 2):
        (entropy, distinct), (other_entropy, other_distinct) = single[first], single[second]
        if max(distinct, other_distinct) <= MOST_DISTINCT * count:
            joint, pairs = _entropy(_joined(sample, first, second))
            bias = max(pairs - distinct - other_distinct + 1, 0) / (2 * count * np.log(2))  # of a sample (Miller, 1955)
            mutual[first, second] = mutual[second, first] = entropy + other_entropy - joint - bias
    connected = [int(np.argmax(mutual.sum(1)))] if width else []
    remaining = set(range(width)) - set(connected)
    while remaining:  # Prim's algorithm
        best, parent, column = max((mutual[i, j], i, j) for i in connected for j in sorted(remaining))
        if best > LEAST_MUTUAL:
            parents[column] = parent
        connected.append(column)
        remaining.discard(column)
    return parents


def _joined(rows: np.ndarray, first: int, second: int) -> np.ndarray:
    joined: np.ndarray = (rows[:, first] << 32) + rows[:, second]
    return joined


def _entropy(values: np.ndarray) -> tuple[float, int]:
    """Return the entropy of *values* in bits, and the number of distinct values."""
    _, counts = np.unique(values, return_counts=True)
    shares = counts / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum()), len(counts)


def _richness(values: np.ndarray) -> float:
    """Return an estimate of the number of distinct values in the table, from those in the sample (Chao, 1984).

    It is at least the number of values in the sample, so that a value that occurs once is never a common one.
    """
    _, counts = np.unique(values, return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return max(len(counts) + once * (once - 1) / (2 * (twice + 1)), len(values), 1)


def _counts(among: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how often each of *values* occurs in *among*."""
    distinct, counts = np.unique(among, return_counts=True)
    places = np.minimum(np.searchsorted(distinct, values), len(distinct) - 1)
    occurrences: np.ndarray = np.where(distinct[places] == values, counts[places], 0)
    return occurrences
