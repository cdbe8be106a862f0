"""Husbands and wives, and the role of marriage in the gap between men and women."""

from django.db.models import Count, QuerySet, Sum

from census.insights.counting import Answer, require, shares_over_50k, total
from census.insights.intervals import (
    UNCLEAR,
    Estimate,
    Share,
    difference,
    part_of_spread,
    pooled_odds_ratio,
    standardized_difference,
)
from census.models import Respondent, Sex

WITH_SPOUSE = ("Married-civ-spouse", "Married-AF-spouse")
NEARLY_HALF = (0.45, 0.55)  # the range of an interval that counts as "as many"
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
        f"{_as_many(low, high)}: there are {husbands / wives:.1f} husbands for each wife "
        f"({husbands:,} to {wives:,}; weighted: {by_weight:.1f}). Among the {married.of:,} respondents who live with a "
        f"spouse, {married} are women; among the {others.of:,} others, {others}."
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
    """Measure how much of the income gap between the sexes is explained by marital status."""
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
        f"Overall: {gap.verdict()}. Among {men.of:,} men, {men} have an income over 50K; among {women.of:,} women, "
        f"{women}. The gap is {gap.points()}. With a spouse: {married.verdict()}; the gap is {married.points()}. "
        f"Without a spouse: {others.verdict()}; the gap is {others.points()}"
        f"{f', and the odds of women are {odds} times the odds of men' if odds else ''}. If the same share of women as "
        f"of men lived with a spouse, the gap would be {alike.points()}. If the same share of men as of women did, it "
        f"would be {unlike.points()}."
    )
    parts = [part_of_spread(pairs), part_of_spread([(woman, man) for man, woman in pairs])] if gap.low > 0 else []
    if parts and all(0 <= part.value <= 1 for part in parts):
        one, other = (part.percent() for part in parts)
        answer += f" By these two standards, marital status explains {one} and {other} of the gap."
    else:
        answer += f" The part of the gap that marital status explains: {UNCLEAR}."
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
        return "Yes, approximately"
    return UNCLEAR.capitalize() if low <= 0.5 <= high else "No"


def _by_sex(respondents: QuerySet[Respondent]) -> dict[tuple[str, bool], Share]:
    """Return the share over 50K by sex and by whether the respondent lives with a spouse."""
    shares = shares_over_50k(respondents, "sex", "marital_status__name")
    return {
        (sex, there): total(
            share for (of, status), share in shares.items() if of == sex and (status in WITH_SPOUSE) == there
        )
        for sex in (FEMALE, MALE)
        for there in (True, False)
    }
