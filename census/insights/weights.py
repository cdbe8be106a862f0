"""Final weights: whom the respondents stand for, and what counting by weight changes."""

from collections.abc import Iterable

from django.db.models import BigIntegerField, Count, QuerySet, Sum
from django.db.models.functions import Cast

from census.insights.counting import LEAST, Answer, require
from census.insights.intervals import Estimate, Share, Weighed, weighted_share
from census.models import Respondent

PEOPLE_IN_1994 = 260_000_000  # in the United States, of any age, rounded


def final_weights(respondents: QuerySet[Respondent]) -> Answer:
    """Weights are hundredths of people; they leave the share over 50K alone and change who is counted."""
    weight = Cast("fnlwgt", BigIntegerField())  # PostgreSQL would square in 32 bits
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
    require({"races of respondents enough": len(races)}, least=2)
    most, least = (pick(races, key=lambda race: _change(races[race])) for pick in (max, min))
    answer = (
        f"Their sum is {everybody.weight:,}{_people(everybody.weight)}. By weight {share.value:.2%} are over 50K, by "
        f"heads {plain.value:.2%}: {change.points(2)}, {_beyond(change)} chance would explain. But {most} respondents "
        f"are {_told(races[most])}, {least} ones {_told(races[least])}. Weighted, the {everybody.count:,} respondents "
        f"tell as much as {effective:,.0f} of equal weight."
    )
    return answer, {
        "respondents": everybody.count,
        "sum_of_weights": everybody.weight,
        "mean_weight": round(everybody.weight / everybody.count, 3),
        "respondents_of_equal_weight": round(effective, 1),
        "over_50k": plain.figures(),
        "over_50k_by_weight": share.figures(),
        "change": change.figures(),
        "races": races,
    }


def _people(weight: int) -> str:
    if weight <= PEOPLE_IN_1994:
        return ""
    return f", more than lived in the country; as hundredths it makes {weight // 100:,} people"


def _change(race: dict[str, float]) -> float:
    return race["share_of_weight"] / race["share_of_rows"]


def _told(race: dict[str, float]) -> str:
    return f"{race['share_of_rows']:.1%} of the rows and {race['share_of_weight']:.1%} by weight"


def _beyond(change: Estimate) -> str:
    return "no more than" if change.low <= 0 <= change.high else "more than"


def _races(groups: list[tuple[str, bool, Weighed]], everybody: Weighed) -> dict[str, dict[str, float]]:
    """The shares of rows and of weight of the races that enough respondents have."""
    races = {race: _together(of for name, _, of in groups if name == race) for race, _, _ in groups}
    return {
        race: {
            "respondents": of.count,
            "share_of_rows": round(of.count / everybody.count, 6),
            "share_of_weight": round(of.weight / everybody.weight, 6),
        }
        for race, of in sorted(races.items())
        if of.count >= LEAST
    }


def _together(groups: Iterable[Weighed]) -> Weighed:
    groups = list(groups)
    return Weighed(sum(of.count for of in groups), sum(of.weight for of in groups), sum(of.squares for of in groups))
