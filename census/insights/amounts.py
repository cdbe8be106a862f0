"""Amounts of capital gain: codes that give the income away, and one that stands for all above."""

from itertools import pairwise

from django.db.models import QuerySet

from census.insights.counting import Answer, require, shares_over_50k, total
from census.insights.intervals import Share
from census.models import Respondent

SEVERAL = 5  # respondents that an amount must have before it can be seen to go one way
TOP_CODE = 99_999


def capital_gains(respondents: QuerySet[Respondent]) -> Answer:
    """An amount tells the income, but not by being large."""
    gains = {
        amount: share
        for (amount,), share in sorted(shares_over_50k(respondents.filter(capital_gain__gt=0), "capital_gain").items())
    }
    told = total(gains.values())
    require({"respondents with a capital gain": told.of})
    often = {amount: share for amount, share in gains.items() if share.of >= SEVERAL}
    require({f"amounts that {SEVERAL} or more respondents have": len(often)}, least=2)
    one_sided = {amount: share for amount, share in often.items() if share.count in (0, share.of)}
    by_chance = sum(told.value**share.of + (1 - told.value) ** share.of for share in often.values())
    turns = sum((one.value > 0.5) != (other.value > 0.5) for one, other in pairwise(often.values()))
    top = gains.get(TOP_CODE, Share(0, 0))
    dollars = sum(amount * share.of for amount, share in gains.items())
    below = max((amount for amount in gains if amount < TOP_CODE), default=0)
    answer = (
        f"{'Not amount by amount' if turns > 1 else 'Yes'}. Of the {len(often)} amounts that {SEVERAL} or more "
        f"respondents have, {len(one_sided)} {'is' if len(one_sided) == 1 else 'are'} found on one side of the line "
        f"only ({by_chance:.1f} would be if amounts told nothing), and from amount to next larger amount the side "
        f"changes {turns} times{_neighbours(one_sided)}."
    )
    if top.of:
        answer += (
            f" {top.of:,} respondents have {TOP_CODE:,}, where the largest other amount is {below:,}: {top.count:,} of "
            f"them are over 50K, and {top.of * TOP_CODE / dollars:.1%} of all dollars are theirs."
        )
    return answer, {
        "with_a_gain": told.figures(),
        "amounts": len(gains),
        "amounts_of_several": len(often),
        "one_sided": len(one_sided),
        "one_sided_if_amounts_told_nothing": round(by_chance, 6),
        "changes_of_side": turns,
        "top_code": top.of,
        "top_code_over_50k": top.count,
        "top_code_of_all_dollars": round(top.of * TOP_CODE / dollars, 6),
        "largest_other_amount": below,
    }


def _neighbours(one_sided: dict[int, Share]) -> str:
    """The best filled two neighbours that go opposite ways, in words."""
    pairs = [pair for pair in pairwise(one_sided.items()) if pair[0][1].value != pair[1][1].value]
    if not pairs:
        return ""
    best = max(pairs, key=lambda pair: min(share.of for _, share in pair))
    words = (f"{'all' if share.count else 'none'} of the {share.of:,} with {amount:,}" for amount, share in best)
    return f" ({', '.join(words)})"
