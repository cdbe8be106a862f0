"""Final weights: the population that the respondents represent, and the effect of weighting."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, QuerySet, Sum
from django.db.models.functions import Cast

from census.insights.counting import LEAST, Answer, require
from census.insights.intervals import UNCLEAR, Estimate, Share, Weighed, weighted_share
from census.models import Respondent

PEOPLE_IN_1994 = 260_000_000  # the population of the United States, rounded


@dataclass(frozen=True)
class Race:
    """The number of respondents of a race, their shares of rows and of weight, and the difference of the shares."""

    respondents: int
    rows: float
    weight: float
    change: Estimate

    def figures(self) -> dict[str, object]:
        return {
            "respondents": self.respondents,
            "share_of_rows": round(self.rows, 6),
            "share_of_weight": round(self.weight, 6),
            "change": self.change.figures(),
        }

    def __str__(self) -> str:
        return f"{self.rows:.1%} of the rows and {self.weight:.1%} by weight, a change of {self.change.points()}"


def final_weights(respondents: QuerySet[Respondent]) -> Answer:
    """Compare weighted and unweighted shares over 50K and shares of each race."""
    weight = Cast("fnlwgt", BigIntegerField())  # in 32 bits, the squares would overflow on PostgreSQL
    rows = (
        respondents.order_by()
        .values_list("race__name", "income_over_50k")
        .annotate(count=Count("pk"), weight=Sum(weight), squares=Sum(weight * weight))
    )
    groups = [(race, rich, Weighed(count, int(of), int(squares))) for race, rich, count, of, squares in rows]
    with_it, without = (_together(of for _, rich, of in groups if rich is side) for side in (True, False))
    everybody = _together([with_it, without])
    require({"over 50K": with_it.count, "not over 50K": without.count})
    require({"as the sum of weights": everybody.weight}, least=1)
    plain = Share(with_it.count, everybody.count)
    share, change, effective = weighted_share(with_it, without)
    races = _races(groups, everybody)
    require({f"races with {LEAST} or more respondents": len(races)}, least=2)
    answer = (
        f"The sum of the weights is {everybody.weight:,}{_people(everybody.weight)}. The share over 50K is "
        f"{share.value:.2%} with weights and {plain.value:.2%} without. The difference of {change.points(2)} is "
        f"{'' if _is_significant(change) else 'not '}significant. {_moved(races)} The effective sample size is "
        f"{effective:,.0f}; the number of respondents is {everybody.count:,}."
    )
    return answer, {
        "respondents": everybody.count,
        "sum_of_weights": everybody.weight,
        "mean_weight": round(everybody.weight / everybody.count, 3),
        "respondents_of_equal_weight": round(effective, 1),
        "over_50k": plain.figures(),
        "over_50k_by_weight": share.figures(),
        "change": change.figures(),
        "races": {race: share.figures() for race, share in races.items()},
    }


def _people(weight: int) -> str:
    if weight <= PEOPLE_IN_1994:
        return ""
    return f", more than the population of the country; in hundredths of a person, it is {weight // 100:,} people"


def _moved(races: dict[str, Race]) -> str:
    """Describe the races with the largest significant changes, corrected for multiple comparisons."""
    sure = sorted(
        (race for race in races if races[race].change.chance * len(races) < 0.05),
        key=lambda race: races[race].change.value / races[race].rows,
    )
    if not sure:
        return f"Whether weights change the share of a race: {UNCLEAR}."
    ends = dict.fromkeys([sure[-1], sure[0]])  # one race if both are the same
    return f"Weights change the shares of races: {'; '.join(f'{race} respondents are {races[race]}' for race in ends)}."


def _is_significant(change: Estimate) -> bool:
    return not change.low <= 0 <= change.high


def _races(groups: list[tuple[str, bool, Weighed]], everybody: Weighed) -> dict[str, Race]:
    """Return the unweighted and weighted share of each race with enough respondents."""
    races = {}
    for race in sorted({race for race, _, _ in groups}):
        of_it, others = (_together(of for name, _, of in groups if (name == race) is side) for side in (True, False))
        if of_it.count >= LEAST:
            share, change, _ = weighted_share(of_it, others)
            races[race] = Race(of_it.count, of_it.count / everybody.count, share.value, change)
    return races


def _together(groups: Iterable[Weighed]) -> Weighed:
    groups = list(groups)
    return Weighed(sum(of.count for of in groups), sum(of.weight for of in groups), sum(of.squares for of in groups))
