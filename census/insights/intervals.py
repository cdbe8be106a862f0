"""Shares, differences and odds with their 95 % intervals, by formulas that need nothing but counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt

Z = 1.959964  # the normal quantile of a two-sided 95 % interval
NO_TELLING = "there is no telling"

# The counts of one stratum: in the first group those with the outcome and without it, then the same of the second.
Stratum = tuple[int, int, int, int]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def figures(self) -> dict[str, float]:
        """Return it for a file, rounded as far as both engines agree and nobody reads."""
        return {"value": round(self.value, 6), "low": round(self.low, 6), "high": round(self.high, 6)}

    def points(self, places: int = 1) -> str:
        """Return it in percentage points: ``19.4 points (18.8 to 20.1)``."""
        value, low, high = (round(100 * part, places) + 0.0 for part in (self.value, self.low, self.high))  # no -0.0
        return f"{value:.{places}f} points ({low:.{places}f} to {high:.{places}f})"

    def percent(self) -> str:
        """Return it in percent: ``94% (87 to 100)``."""
        return f"{self.value:.0%} ({100 * self.low:.0f} to {100 * self.high:.0f})"

    def verdict(self, even: float = 0.0) -> str:
        """Return ``yes`` where it is above what means no difference, ``no`` where below, by its interval."""
        if self.low > even:
            return "yes"
        return "no" if self.high < even else NO_TELLING

    @property
    def chance(self) -> float:
        """How likely it is that chance puts so normal an estimate this far from 0, on either side."""
        error = (self.high - self.low) / (2 * Z)
        if abs(self.value) < 1e-12:  # nothing but rounding
            return 1.0
        return erfc(abs(self.value) / error / sqrt(2)) if error else 0.0

    def __str__(self):
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Share:
    """*count* out of *of*; a share of nobody is a ZeroDivisionError, for its callers ask for enough first."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def sides(self) -> tuple[int, int]:
        """How many have it and how many have not."""
        return self.count, self.of - self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval."""
        weight = Z * Z / self.of
        middle = (self.value + weight / 2) / (1 + weight)
        half = Z / (1 + weight) * sqrt(self.value * (1 - self.value) / self.of + weight / (4 * self.of))
        return max(0.0, middle - half), min(1.0, middle + half)

    def figures(self) -> dict[str, float]:
        low, high = self.interval
        return {"count": self.count, "of": self.of, **Estimate(self.value, low, high).figures()}

    def __str__(self):
        low, high = self.interval
        return f"{self.value:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def difference(one: Share, other: Share) -> Estimate:
    """Return how far the first share is above the second, by Newcombe's interval (of two Wilson intervals)."""
    (low, high), (other_low, other_high) = one.interval, other.interval
    gap = one.value - other.value
    below = sqrt((one.value - low) ** 2 + (other_high - other.value) ** 2)
    above = sqrt((high - one.value) ** 2 + (other.value - other_low) ** 2)
    return Estimate(gap, gap - below, gap + above)


def standardized_difference(pairs: Sequence[tuple[Share, Share]]) -> Estimate:
    """Return the difference of the shares if the second group were spread over the strata as the first is.

    Each pair is a stratum, the two groups in it; the interval takes the first group's spread as given.
    """
    everybody = sum(one.of for one, _ in pairs)
    gap = sum(one.of / everybody * (one.value - other.value) for one, other in pairs)
    variance = sum((one.of / everybody) ** 2 * (_variance(one) + _variance(other)) for one, other in pairs)
    return Estimate(gap, gap - Z * sqrt(variance), gap + Z * sqrt(variance))


def part_of_spread(pairs: Sequence[tuple[Share, Share]]) -> Estimate:
    """Return the part of the difference of the two groups' shares that is in how they are spread over the strata.

    That is what goes when the second group, at its own shares, is spread as the first is (Kitagawa; Oaxaca and
    Blinder); with the groups the other way round it is another part, and neither is truer. The interval, by
    linearization, takes spreads and shares as found in a sample. A ZeroDivisionError where the shares do not differ.
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
    """The variance of a value of one that is drawn from the strata."""
    mean = sum(weight * value for weight, value in zip(spread, values, strict=True))
    return sum(weight * (value - mean) ** 2 for weight, value in zip(spread, values, strict=True))


def _variance(share: Share) -> float:
    return share.value * (1 - share.value) / share.of


def pooled_odds_ratio(strata: Iterable[Stratum]) -> Estimate | None:
    """Return the odds of the first group as a multiple of the second's, within strata (Mantel and Haenszel).

    The interval is that of Robins, Breslow and Greenland. None where the strata say nothing of it: each has one group
    or one outcome only.
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
    """One outcome's respondents: how many, the sum of their weights, and of the squares of these."""

    count: int
    weight: int
    squares: int


def weighted_share(with_it: Weighed, without: Weighed) -> tuple[Estimate, Estimate, float]:
    """Return the weighted share, how far it is above the unweighted one, and the effective number of respondents.

    Intervals by linearization, as if respondents had been drawn one by one; the effective number is Kish's.
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
    moved = Z * sqrt(max(moved, 0.0))  # 0 but for rounding where all weigh the same
    return (
        Estimate(share, share - half, share + half),
        Estimate(change, change - moved, change + moved),
        weight * weight / squares,
    )
