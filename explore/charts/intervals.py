"""95% confidence intervals of means and of shares of yes.

* A mean: mean ± t · standard error, with the t distribution of n - 1 degrees of freedom.
* A share of yes: Wilson's interval, which stays between 0 and 1.

With weights, the standard error is the linearized one of a weighted mean, and Wilson's interval has the effective
number of records (see datasets.records.precision_sql). Strata and clusters of a survey are not taken into account.
"""

from math import sqrt

Z = 1.959963985  # the normal quantile of a two-sided 95% interval
FEW = 5  # a group with fewer records is grey and has no interval

Interval = tuple[float, float]


def mean_interval(mean: float, squared_error: float | None, count: int) -> Interval | None:
    """Return the interval of the mean of *count* numbers, or None for fewer than FEW."""
    if count < FEW or squared_error is None:
        return None
    reach = student(count - 1) * sqrt(max(squared_error, 0))  # a rounding error may be below 0
    return mean - reach, mean + reach


def share_interval(share: float, effective: float | None, count: int) -> Interval | None:
    """Return Wilson's interval of a *share* of *count* records, or None for fewer than FEW."""
    if count < FEW or not effective:
        return None
    square = Z * Z / effective
    middle = (share + square / 2) / (1 + square)
    reach = Z / (1 + square) * sqrt(max(share * (1 - share), 0) / effective + square / (4 * effective))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def student(degrees: int) -> float:
    """Return the 97.5% quantile of the t distribution with 4 or more *degrees* of freedom, to 4 digits.

    The expansion in powers of 1/degrees is 26.7.5 in Abramowitz and Stegun, Handbook of Mathematical Functions.
    """
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, 1))
