"""Confidence intervals, compared with those of statsmodels."""

from importlib import import_module
from statistics import NormalDist
from types import ModuleType

import numpy as np
import pytest

from census.insights.intervals import (
    Estimate,
    Share,
    Weighed,
    difference,
    part_of_spread,
    pooled_odds_ratio,
    standardized_difference,
    weighted_share,
)


@pytest.fixture(scope="module")
def statsmodels() -> ModuleType:
    """The statistics of statsmodels, which take more than a second to import: only for the tests that use them."""
    return import_module("statsmodels.stats.api")


@pytest.mark.parametrize("share", [Share(0, 30), Share(1, 40), Share(2505, 22_416), Share(50, 50), Share(3, 7)])
def test_a_share_has_wilsons_interval(statsmodels, share):
    assert share.interval == pytest.approx(
        statsmodels.proportion_confint(share.count, share.of, method="wilson"), abs=1e-7
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [(Share(9918, 32_650), Share(1769, 16_192)), (Share(0, 30), Share(3, 40)), (Share(40, 40), Share(0, 31))],
)
def test_a_difference_has_newcombes_interval(statsmodels, left, right):
    interval = difference(left, right)
    low, high = statsmodels.confint_proportions_2indep(left.count, left.of, right.count, right.of, method="newcomb")
    assert interval.value == left.value - right.value
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-6)


def test_odds_are_pooled_as_mantel_and_haenszel_do(statsmodels):
    strata = [(68, 347, 1699, 9983), (146, 285, 2213, 3090), (92, 33, 187, 76), (0, 16, 32, 592)]
    table = statsmodels.StratifiedTable([np.array(stratum).reshape(2, 2) for stratum in strata])
    interval = pooled_odds_ratio([*strata, (0, 0, 0, 0), (0, 0, 5, 7)])
    assert interval.value == pytest.approx(table.oddsratio_pooled)
    assert (interval.low, interval.high) == pytest.approx(table.oddsratio_pooled_confint(), abs=1e-6)


def test_uninformative_strata_have_no_odds_ratio():
    assert pooled_odds_ratio([(5, 0, 7, 0), (0, 0, 3, 4)]) is None


def test_a_standardized_difference_spreads_the_second_group_as_the_first(statsmodels):
    alike = [(Share(80, 100), Share(8, 10)), (Share(10, 100), Share(90, 900))]
    interval = standardized_difference(alike)
    assert interval.value == pytest.approx(0, abs=1e-12) and interval.low == pytest.approx(-interval.high)
    [single] = [standardized_difference([(Share(30, 100), Share(40, 200))])]
    low, high = statsmodels.confint_proportions_2indep(30, 100, 40, 200, method="wald")
    assert (single.value, single.low, single.high) == pytest.approx((0.1, low, high), abs=1e-6)


def test_the_part_of_a_difference_that_is_in_the_spread_varies_as_in_a_bootstrap():
    pairs = [(Share(888, 1991), Share(112, 250)), (Share(104, 1274), Share(65, 1369))]
    for left, right in (pairs, [(woman, man) for man, woman in pairs]), (pairs[::-1], None):
        share = part_of_spread(left)
        assert share.value == pytest.approx(expected_part(*counted(left)))
        if right is None:
            continue
        assert part_of_spread(right).value != pytest.approx(share.value, abs=0.01)
        rng = np.random.default_rng(7)
        of, rich = counted(left)
        drawn = []
        for _ in range(3_000):
            spread = np.array([rng.multinomial(n.sum(), n / n.sum()) for n in of])
            drawn.append(expected_part(spread, rng.binomial(spread, rich / of)))
        assert (share.high - share.low) / 2 / 1.96 == pytest.approx(np.std(drawn), rel=0.08)


def counted(pairs):
    """Sizes and successes: a row for each group, a column for each stratum."""
    return np.array([[s.of for s in group] for group in zip(*pairs, strict=True)]), np.array(
        [[s.count for s in group] for group in zip(*pairs, strict=True)]
    )


def expected_part(of, rich):
    (men, women), (rich_men, rich_women) = of, rich
    gap = rich_men.sum() / men.sum() - rich_women.sum() / women.sum()
    return 1 - (men / men.sum() * (rich_men / men - rich_women / women)).sum() / gap


def test_verdicts_follow_the_interval_and_p_values_the_normal_distribution():
    assert [Estimate(0.1, *interval).verdict() for interval in ((0.01, 0.2), (-0.1, 0.3))] == [*("yes", "unclear")]
    assert Estimate(0.7, 0.5, 0.9).verdict(1) == "no"
    assert Estimate(0.1, 0, 0.2).chance == pytest.approx(0.05, abs=1e-6)
    assert Estimate(-0.1, -0.3, 0.1).chance == pytest.approx(2 * NormalDist().cdf(-1.959964 / 2), abs=1e-6)
    assert (Estimate(0, 0, 0).chance, Estimate(0.1, 0.1, 0.1).chance) == (1, 0)


def test_weighted_shares_equal_statsmodels_and_their_changes_a_bootstrap(statsmodels):
    rng = np.random.default_rng(7)
    weights, rich = rng.gamma(3, 60_000, 4_000).astype(int), rng.random(4_000) < 0.24
    sides = [Weighed(int(s.sum()), int(weights[s].sum()), int((weights[s] ** 2).sum())) for s in (rich, ~rich)]
    share, change, effective = weighted_share(*sides)
    assert share.value == pytest.approx(statsmodels.DescrStatsW(rich.astype(float), weights).mean)
    assert change.value == pytest.approx(share.value - rich.mean())
    assert effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    drawn = [rng.integers(0, 4_000, 4_000) for _ in range(2_000)]
    by_weight = np.array([np.average(rich[d], weights=weights[d]) for d in drawn])
    by_heads = np.array([rich[d].mean() for d in drawn])
    assert (share.high - share.low) / 2 / 1.96 == pytest.approx(by_weight.std(), rel=0.08)
    assert (change.high - change.low) / 2 / 1.96 == pytest.approx((by_weight - by_heads).std(), rel=0.08)
