"""Shares, differences and odds ratios with 95 % confidence intervals, computed from counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt

Z = 1.959964  # the normal quantile of a two-sided 95 % interval
UNCLEAR = "unclear"

# The counts of one stratum: the first group with and without the outcome, then the second group with and without it.
Stratum = tuple[int, int, int, int]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def figures(self) -> dict[str, float]:
        """Return the rounded numbers; rounding makes the results of both database engines equal."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}

    def points(self, places: int = 1) -> str:
        """Return the estimate in percentage points: ``19.4 points (18.8 to 20.1)``."""
        value, low, high = (round(100 * part, places) + 0.0 for part in (self.value, self.low, self.high))  # no -0.0
        return f"{value:.{places}f} points ({low:.{places}f} to {high:.{places}f})"

    def percent(self) -> str:
        """Return the estimate in percent: ``94% (87 to 100)``."""
        return f"{self.value:.0%} ({100 * self.low:.0f} to {100 * self.high:.0f})"

    def verdict(self, even: float = 0.0) -> str:
        """Return ``yes`` if the interval is above *even*, ``no`` if it is below, else ``unclear``."""
        if self.low > even:
            return "yes"
        return "no" if self.high < even else UNCLEAR

    @property
    def chance(self) -> float:
        """Return the two-sided p-value of a normally distributed estimate under a true value of 0."""
        error = (self.high - self.low) / (2 * Z)
        if abs(self.value) < 1e-12:  # a rounding error
            return 1.0
        return erfc(abs(self.value) / error / sqrt(2)) if error else 0.0

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Share:
    """*count* out of *of*; raises ZeroDivisionError for an empty group, which callers must check first."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def sides(self) -> tuple[int, int]:
        """The counts with and without the property."""
        return self.count, self.of - self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval of the share."""
        weight = Z * Z / self.of
        middle = (self.value + weight / 2) / (1 + weight)
        half = Z / (1 + weight) * sqrt(self.value * (1 - self.value) / self.of + weight / (4 * self.of))
        return max(0.0, middle - half), min(1.0, middle + half)

    def figures(self) -> dict[str, float]:
        low, high = self.interval
        return {"count": self.count, "of": self.of, **Estimate(self.value, low, high).figures()}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def difference(one: Share, other: Share) -> Estimate:
    """Return the difference of two shares with Newcombe's interval, which combines two Wilson intervals."""
    (low, high), (other_low, other_high) = one.interval, other.interval
    gap = one.value - other.value
    below = sqrt((one.value - low) ** 2 + (other_high - other.value) ** 2)
    above = sqrt((high - one.value) ** 2 + (other.value - other_low) ** 2)
    return Estimate(gap, gap - below, gap + above)


def standardized_difference(pairs: Sequence[tuple[Share, Share]]) -> Estimate:
    """Return the difference of the shares if the second group had the first group's distribution over the strata.

    Each pair has the two groups' shares in a stratum. The interval treats the first group's distribution as fixed.
    """
    everybody = sum(one.of for one, _ in pairs)
    gap = sum(one.of / everybody * (one.value - other.value) for one, other in pairs)
    variance = sum((one.of / everybody) ** 2 * (_variance(one) + _variance(other)) for one, other in pairs)
    return Estimate(gap, gap - Z * sqrt(variance), gap + Z * sqrt(variance))


def part_of_spread(pairs: Sequence[tuple[Share, Share]]) -> Estimate:
    """Return the part of the difference of the shares that the groups' distributions over the strata account for.

    This part disappears if the second group keeps its own shares but has the first group's distribution (Kitagawa;
    Oaxaca and Blinder). Exchanging the groups gives another, equally valid part. The interval, by linearization, treats
    distributions and shares as sampled. Raises ZeroDivisionError if the shares do not differ.
    """
    here, there = sum(one.of for one, _ in pairs), sum(other.of for _, other in pairs)
    spreads = [(one.of / here, other.of / there) for one, other in pairs]
    gap = sum(
        ours * one.value - theirs * other.value for (ours, theirs), (one, other) in zip(spreads, pairs, strict=True)
    )
    part = sum((ours - theirs) * other.value for (ours, theirs), (_, other) in zip(spreads, pairs, strict=True)) / gap
    variance = 0.0
    for (ours, theirs), (one, other) in zip(spreads, pairs, strict=True):
        variance += (part * ours) ** 2 * _variance(one) + (ours - theirs + part * theirs) ** 2 * _variance(other)
    moved = [other.value - part * one.value for one, other in pairs]
    variance += _multinomial([ours for ours, _ in spreads], moved) / here
    variance += (
        _multinomial([theirs for _, theirs in spreads], [(part - 1) * other.value for _, other in pairs]) / there
    )
    half = Z * sqrt(variance) / abs(gap)
    return Estimate(part, part - half, part + half)


def _multinomial(spread: list[float], values: list[float]) -> float:
    """Return the variance of the value of a random member of the strata."""
    mean = sum(weight * value for weight, value in zip(spread, values, strict=True))
    return sum(weight * (value - mean) ** 2 for weight, value in zip(spread, values, strict=True))


def _variance(share: Share) -> float:
    return share.value * (1 - share.value) / share.of


def pooled_odds_ratio(strata: Iterable[Stratum]) -> Estimate | None:
    """Return the odds ratio of the first to the second group, pooled over strata (Mantel and Haenszel).

    The interval is that of Robins, Breslow and Greenland. Returns None if every stratum has only one group or only one
    outcome.
    """
    ours = theirs = first = second = third = 0.0
    for a, b, c, d in strata:
        if not (total := a + b + c + d):
            continue
        same, cross = a * d / total, b * c / total
        agree, differ = (a + d) / total, (b + c) / total
        ours, theirs = ours + same, theirs + cross
        first, second, third = first + agree * same, second + agree * cross + differ * same, third + differ * cross
    if not ours or not theirs:
        return None
    error = sqrt(first / (2 * ours**2) + second / (2 * ours * theirs) + third / (2 * theirs**2))
    middle = log(ours / theirs)
    return Estimate(ours / theirs, exp(middle - Z * error), exp(middle + Z * error))


@dataclass(frozen=True)
class Weighed:
    """The respondents with one outcome: their number, the sum of their weights, and the sum of squared weights."""

    count: int
    weight: int
    squares: int


def weighted_share(with_it: Weighed, without: Weighed) -> tuple[Estimate, Estimate, float]:
    """Return the weighted share, its difference from the unweighted one, and the effective number of respondents.

    Intervals are by linearization and assume independent respondents; the effective sample size is Kish's.
    """
    count, weight = with_it.count + without.count, with_it.weight + without.weight
    squares = with_it.squares + without.squares
    share, plain = with_it.weight / weight, with_it.count / count
    spread = moved = 0.0
    for of, value in ((with_it, 1), (without, 0)):
        by_weight, by_head = (value - share) / weight, (value - plain) / count
        spread += by_weight**2 * of.squares
        moved += by_weight**2 * of.squares - 2 * by_weight * by_head * of.weight + by_head**2 * of.count
    half, change = Z * sqrt(spread), share - plain
    moved = Z * sqrt(max(moved, 0.0))  # equal weights give 0, or a negative rounding error
    return (
        Estimate(share, share - half, share + half),
        Estimate(change, change - moved, change + moved),
        weight * weight / squares,
    )
