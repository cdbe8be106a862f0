"""Amounts of capital gain: some reveal the income, and one is a cap for all larger amounts."""

from collections.abc import Iterable
from itertools import accumulate, pairwise
from math import comb

from django.db.models import QuerySet

from census.insights.counting import Answer, require, shares_over_50k, total
from census.insights.intervals import UNCLEAR, Share, difference
from census.models import Respondent

SEVERAL = 5  # the minimum number of respondents with an amount
TOP_CODE = 99_999
RARE = 0.05  # the significance level

Neighbours = list[tuple[int, Share]]  # two amounts next to each other, the smaller first


def capital_gains(respondents: QuerySet[Respondent]) -> Answer:
    """Test whether income grows with the capital gain, in two halves and from amount to amount."""
    gains = {
        amount: share
        for (amount,), share in sorted(shares_over_50k(respondents.filter(capital_gain__gt=0), "capital_gain").items())
    }
    overall = total(gains.values())
    require({"respondents with a capital gain": overall.of})
    smaller, larger, middle = _halves(gains, overall.of)
    require({f"with a gain up to {middle:,}": smaller.of, "with a larger gain": larger.of})
    gap = difference(larger, smaller)
    often = {amount: share for amount, share in gains.items() if share.of >= SEVERAL}
    require({f"amounts with {SEVERAL} or more respondents": len(often)}, least=2)
    one_sided = {amount: share for amount, share in often.items() if share.count in (0, share.of)}
    chances = [overall.value**share.of + (1 - overall.value) ** share.of for share in often.values()]
    so_many = _at_least(len(one_sided), chances)
    turns = [pair for pair in map(list, pairwise(one_sided.items())) if pair[0][1].value != pair[1][1].value]
    fall = _clearest(pair for pair in turns if pair[0][1].count)
    falls_by_chance = min(1.0, _so_parted(fall) * max(1, len(one_sided) - 1)) if fall else 1.0
    if so_many >= RARE:
        verdict = UNCLEAR
    elif falls_by_chance < RARE:
        verdict = "no"
    else:
        verdict = "yes" if len(turns) == 1 and not fall else UNCLEAR
    top = gains.get(TOP_CODE, Share(0, 0))
    dollars = sum(amount * share.of for amount, share in gains.items())
    below = max((amount for amount in gains if amount < TOP_CODE), default=0)
    answer = (
        f"Overall: {gap.verdict()}. Among the {larger.of:,} respondents with a gain above {middle:,}, {larger} have an "
        f"income over 50K; among the {smaller.of:,} with a smaller or equal gain, {smaller}. The difference is "
        f"{gap.points()}. From amount to amount: {verdict}. Of the {len(often)} amounts with {SEVERAL} or more "
        f"respondents, {len(one_sided)} {'is' if len(one_sided) == 1 else 'are'} one-sided: all respondents with the "
        f"amount have an income over 50K, or none of them has ({sum(chances):.1f} such amounts are expected if amount "
        f"and income are independent; {_chance(so_many)}). In ascending order, the side of these amounts changes "
        f"{len(turns)} {'time' if len(turns) == 1 else 'times'}{_in_words(fall)}."
    )
    if top.of:
        answer += (
            f" The largest amount is {TOP_CODE:,}; the next largest is {below:,}. Of the {top.of:,} "
            f"{'respondent' if top.of == 1 else 'respondents'} with the largest amount, {top.count:,} "
            f"{'has' if top.count == 1 else 'have'} an income over 50K. The amount accounts for "
            f"{top.of * TOP_CODE / dollars:.1%} of all capital gains."
        )
    return answer, {
        "with_a_gain": overall.figures(),
        "median_gain": middle,
        "above_the_median": larger.figures(),
        "up_to_the_median": smaller.figures(),
        "difference": gap.figures(),
        "amounts": len(gains),
        "amounts_of_several": len(often),
        "one_sided": len(one_sided),
        "one_sided_if_amounts_told_nothing": round(sum(chances), 6),
        "chance_of_so_many_one_sided": round(so_many, 6),
        "changes_of_side": len(turns),
        "clearest_fall": [{"amount": amount, **share.figures()} for amount, share in fall],
        "chance_of_such_a_fall": round(falls_by_chance, 6),
        "top_code": top.of,
        "top_code_over_50k": top.count,
        "top_code_of_all_dollars": round(top.of * TOP_CODE / dollars, 6),
        "largest_other_amount": below,
    }


def _halves(gains: dict[int, Share], people: int) -> tuple[Share, Share, int]:
    """Return the shares up to and above the median amount, and that amount."""
    upto = zip(gains, accumulate(share.of for share in gains.values()), strict=True)
    middle = next(amount for amount, counted in upto if 2 * counted >= people)
    smaller = total(share for amount, share in gains.items() if amount <= middle)
    return smaller, total(share for amount, share in gains.items() if amount > middle), middle


def _at_least(count: int, chances: Iterable[float]) -> float:
    """Return the probability of at least that many successes, each with its own probability (Poisson binomial)."""
    exactly = [1.0]
    for chance in chances:
        exactly = [
            (exactly[n] * (1 - chance) if n < len(exactly) else 0.0) + (exactly[n - 1] * chance if n else 0.0)
            for n in range(len(exactly) + 1)
        ]
    return min(1.0, sum(exactly[count:]))


def _so_parted(pair: Neighbours) -> float:
    """Return the probability that chance separates the two amounts completely (Fisher's exact test)."""
    (_, one), (_, other) = pair
    return 1 / comb(one.of + other.of, one.of)


def _clearest(pairs: Iterable[Neighbours]) -> Neighbours:
    """Return the pair with the lowest probability under chance, or an empty pair."""
    return min(pairs, key=_so_parted, default=[])


def _chance(chance: float) -> str:
    return f"p = {chance:.3f}" if chance >= 0.001 else "p < 0.001"


def _in_words(pair: Neighbours) -> str:
    words = (f"{'all' if share.count else 'none'} of the {share.of:,} with {amount:,}" for amount, share in pair)
    return f"; the clearest fall is from {' to '.join(words)}" if pair else ""
