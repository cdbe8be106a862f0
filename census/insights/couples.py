"""Husbands and wives, and what marriage has to do with the gap between men and women."""

from django.db.models import Count, QuerySet, Sum

from census.insights.counting import Answer, require, shares_over_50k, total
from census.insights.intervals import Share, difference, pooled_odds_ratio, standardized_difference
from census.models import Respondent

WITH_SPOUSE = ("Married-civ-spouse", "Married-AF-spouse")
FEMALE, MALE = Respondent.Sex.FEMALE, Respondent.Sex.MALE


def husbands_and_wives(respondents: QuerySet[Respondent]) -> Answer:
    """Couples come in pairs; in these data they do not."""
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
        f"{'Yes' if low <= 0.5 <= high else 'No'}: for each wife there are {husbands / wives:.1f} husbands "
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
    """The gap is nearly all in who of them is married."""
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
    married, others = (difference(*pair) for pair in pairs)
    odds = pooled_odds_ratio([(*groups[FEMALE, False].sides, *groups[MALE, False].sides)])
    answer = (
        f"Over 50K are {men} of {men.of:,} men and {women} of {women.of:,} women, a gap of {gap.points()}. Among those "
        f"who live with a spouse it is {married.points()}, among the others {others.points()}"
        f"{f', where a woman has {odds} times the odds of a man' if odds else ''}. If as many of the women as of the "
        f"men lived with a spouse, it would be {alike.points()}"
    )
    explained = 1 - alike.value / gap.value if gap.low > 0 else -1.0
    answer += f": {explained:.0%} of the gap is in who lives with one." if 0 <= explained <= 1 else "."
    return answer, {
        "men": men.figures(),
        "women": women.figures(),
        **{name.replace(" ", "_"): share.figures() for name, share in named.items()},
        "gap": gap.figures(),
        "gap_with_a_spouse": married.figures(),
        "gap_of_the_others": others.figures(),
        "gap_if_married_alike": alike.figures(),
        "odds_ratio_of_the_others": odds and odds.figures(),
    }


def _by_sex(respondents: QuerySet[Respondent]) -> dict[tuple[str, bool], Share]:
    """The share over 50K by sex and by whether a spouse is there."""
    shares = shares_over_50k(respondents, "sex", "marital_status__name")
    return {
        (sex, there): total(
            share for (of, status), share in shares.items() if of == sex and (status in WITH_SPOUSE) == there
        )
        for sex in (FEMALE, MALE)
        for there in (True, False)
    }
