"""Missing values: which respondents have them, and the effect of excluding those rows."""

from django.db.models import Avg, Count, Q, QuerySet

from census.insights.counting import RICH, Answer, require, shares_over_50k, total
from census.insights.intervals import UNCLEAR, Share, difference, pooled_odds_ratio
from census.models import Respondent

AGES = ((0, 20), (21, 34), (35, 54), (55, 64), (65, 150))
WHOLE = Q(workclass__isnull=False, occupation__isnull=False, native_country__isnull=False)


def unknown_work(respondents: QuerySet[Respondent]) -> Answer:
    """Compare the share of missing work classes between age groups."""
    ages = [shares_over_50k(respondents.filter(workclass__isnull=gap), "age") for gap in (True, False)]
    unknown, known = (_in_bands(of) for of in ages)
    names = [f"{low} to {high}" if low else f"up to {high}" for low, high in AGES[:-1]] + [f"{AGES[-1][0]} and over"]
    missing = {name: Share(gap.of, gap.of + there.of) for name, gap, there in zip(names, unknown, known, strict=True)}
    require({"without a work class": total(unknown).of, "with a work class": total(known).of})
    require({f"aged {name}": share.of for name, share in missing.items()})
    everybody, whole = total([*unknown, *known]), _whole(respondents)
    require({"without a missing value": whole.of, "with a missing value": everybody.of - whole.of})
    gone = Share(everybody.count - whole.count, everybody.of - whole.of)
    of_them = respondents.filter(workclass=None).aggregate(
        no_occupation=Count("pk", filter=Q(occupation=None)), hours=Avg("hours_per_week")
    )
    odds = pooled_odds_ratio(
        (*ages[0][year].sides, *ages[1][year].sides) for year in sorted(ages[0].keys() & ages[1].keys())
    )
    middle = Share(sum(of.of for of in unknown[1:-1]), total(unknown).of)
    even = max(share.interval[0] for share in missing.values()) <= min(s.interval[1] for s in missing.values())
    by_age = ", ".join(f"{share} of those aged {name}" for name, share in missing.items())
    differ = not even or (odds is not None and odds.verdict(1) != UNCLEAR)
    answer = (
        f"{'No' if differ else UNCLEAR.capitalize()}: the work class is missing for {by_age}. Of the "
        f"{total(unknown).of:,} respondents without a work class, {middle} are aged {AGES[1][0]} to {AGES[-2][1]}, and "
        f"{of_them['no_occupation']:,} have no occupation either. On average, they report {of_them['hours']:.1f} hours "
        f"of work a week. Among the {whole.of:,} rows without a missing value, {whole.value:.1%} have an income over "
        f"50K; among all {everybody.of:,} rows, {everybody.value:.1%}."
    )
    if odds:
        answer += (
            f" At the same age, the odds of an income over 50K without a work class are {odds} times the odds with one."
        )
    return answer, {
        "without_work_class": total(unknown).figures(),
        "with_work_class": total(known).figures(),
        "without_work_class_by_age": {name: share.figures() for name, share in missing.items()},
        "of_these_aged_21_to_64": middle.figures(),
        "without_work_class_nor_occupation": of_them["no_occupation"],
        "their_hours_per_week": round(float(of_them["hours"]), 3),
        "respondents": everybody.figures(),
        "without_any_gap": whole.figures(),
        "gap_between_rows_without_and_with_gaps": difference(whole, gone).figures(),
        "odds_ratio_at_the_same_age": odds and odds.figures(),
    }


def _in_bands(ages: dict[tuple[int], Share]) -> list[Share]:
    """Return the share over 50K in each age group."""
    return [total(share for (age,), share in ages.items() if low <= age <= high) for low, high in AGES]


def _whole(respondents: QuerySet[Respondent]) -> Share:
    """Return the share over 50K of the complete rows, to which analyses are often restricted."""
    counts = respondents.filter(WHOLE).aggregate(count=Count("pk"), rich=RICH)
    return Share(counts["rich"], counts["count"])
