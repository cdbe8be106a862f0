"""Husbands and wives, and the role of marriage in the gap between men and women."""

from django.db.models import Count, QuerySet, Sum

from census.insights.counting import Answer, require, shares_over_50k, total
from census.insights.intervals import (
    NO_TELLING,
    Estimate,
    Share,
    difference,
    part_of_spread,
    pooled_odds_ratio,
    standardized_difference,
)
from census.models import Respondent, Sex

WITH_SPOUSE = ("Married-civ-spouse", "Married-AF-spouse")
NEARLY_HALF = (0.45, 0.55)  # what an interval must lie within for "as many"
FEMALE, MALE = Sex.FEMALE, Sex.MALE


def husbands_and_wives(respondents: QuerySet[Respondent]) -> Answer:
    """Test whether there are as many wives as husbands."""
    spouses = {
        name: (count, weight)
        for name, count, weight in respondents.order_by()
        .filter(relationship__name__in=["Husband", "Wife"])
        .values_list("relationship__name")
        .annotate(count=Count("pk"), weight=Sum("fnlwgt"))
    }
    (husbands, his_weight), (wives, her_weight) = (spouses.get(name, (0, 0)) for name in ("Husband", "Wife"))
    groups = _by_sex(respondents)
    married, others = (
        Share(groups[FEMALE, there].of, groups[FEMALE, there].of + groups[MALE, there].of) for there in (True, False)
    )
    require({"husbands": husbands, "wives": wives, "living with a spouse": married.of, "others": others.of})
    low, high = married.interval
    by_weight = his_weight / her_weight if her_weight else 0.0
    answer = (
        f"{_as_many(low, high)}: for each wife there are {husbands / wives:.1f} husbands "
        f"({husbands:,} to {wives:,}; by weight {by_weight:.1f}). Women are {married} of the {married.of:,} who live "
        f"with a spouse, and {others} of the {others.of:,} others."
    )
    return answer, {
        "husbands": husbands,
        "wives": wives,
        "husbands_per_wife": round(husbands / wives, 6),
        "husbands_per_wife_by_weight": round(by_weight, 6),
        "women_among_those_with_a_spouse": married.figures(),
        "women_among_the_others": others.figures(),
    }


def men_and_women(respondents: QuerySet[Respondent]) -> Answer:
    """Measure how much of the income gap between the sexes their marital status accounts for."""
    groups = _by_sex(respondents)
    named = {
        "men with a spouse": groups[MALE, True],
        "women with a spouse": groups[FEMALE, True],
        "other men": groups[MALE, False],
        "other women": groups[FEMALE, False],
    }
    require({name: share.of for name, share in named.items()})
    men, women = (total([groups[sex, True], groups[sex, False]]) for sex in (MALE, FEMALE))
    pairs = [(groups[MALE, there], groups[FEMALE, there]) for there in (True, False)]
    gap, alike = difference(men, women), standardized_difference(pairs)
    turned = standardized_difference([(woman, man) for man, woman in pairs])
    unlike = Estimate(-turned.value, -turned.high, -turned.low)
    married, others = (difference(*pair) for pair in pairs)
    odds = pooled_odds_ratio([(*groups[FEMALE, False].sides, *groups[MALE, False].sides)])
    answer = (
        f"As a whole: {gap.verdict()}. Over 50K are {men} of {men.of:,} men and {women} of {women.of:,} women, a gap "
        f"of {gap.points()}. Among those who live with a spouse: {married.verdict()}, it is {married.points()}. Among "
        f"the others: {others.verdict()}, it is {others.points()}"
        f"{f', and a woman has {odds} times the odds of a man' if odds else ''}. If as many of the women as of the men "
        f"lived with a spouse, it would be {alike.points()}; if as many of the men as of the women did, "
        f"{unlike.points()}"
    )
    parts = [part_of_spread(pairs), part_of_spread([(woman, man) for man, woman in pairs])] if gap.low > 0 else []
    if parts and all(0 <= part.value <= 1 for part in parts):
        one, other = (part.percent() for part in parts)
        answer += f". By these two standards {one} and {other} of the gap are in who lives with one."
    else:
        answer += f". How much of a gap is in who lives with one: {NO_TELLING}."
    return answer, {
        "men": men.figures(),
        "women": women.figures(),
        **{name.replace(" ", "_"): share.figures() for name, share in named.items()},
        "gap": gap.figures(),
        "gap_with_a_spouse": married.figures(),
        "gap_of_the_others": others.figures(),
        "gap_if_married_alike": alike.figures(),
        "gap_if_men_married_as_women": unlike.figures(),
        "part_of_the_gap_at_the_womens_shares": parts[0].figures() if parts else None,
        "part_of_the_gap_at_the_mens_shares": parts[1].figures() if parts else None,
        "odds_ratio_of_the_others": odds and odds.figures(),
    }


def _as_many(low: float, high: float) -> str:
    """Return whether half of the respondents with a spouse are women, by the interval of their share."""
    if NEARLY_HALF[0] <= low and high <= NEARLY_HALF[1]:
        return "Yes, about"
    return NO_TELLING.capitalize() if low <= 0.5 <= high else "No"


def _by_sex(respondents: QuerySet[Respondent]) -> dict[tuple[str, bool], Share]:
    """Return the share over 50K by sex and by having a spouse."""
    shares = shares_over_50k(respondents, "sex", "marital_status__name")
    return {
        (sex, there): total(
            share for (of, status), share in shares.items() if of == sex and (status in WITH_SPOUSE) == there
        )
        for sex in (FEMALE, MALE)
        for there in (True, False)
    }
