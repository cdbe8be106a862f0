"""State and private employers: their shares over 50K, and the role of education."""

from collections.abc import Iterable

from django.db.models import QuerySet

from census.insights.counting import LEAST, Answer, InsufficientDataError, require, shares_over_50k, total
from census.insights.intervals import Estimate, Share, difference, pooled_odds_ratio
from census.models import Respondent

STATE, PRIVATE = "State-gov", "Private"
SCHOOL = 9  # years, as the files count them: a high school diploma


def state_and_private(respondents: QuerySet[Respondent]) -> Answer:
    """Compare state and private employees, as a whole and at the same level of education."""
    of_both = respondents.filter(workclass__name__in=[STATE, PRIVATE])
    groups = shares_over_50k(of_both, "workclass__name", "education__years")
    state, private = ({years: s for (of, years), s in groups.items() if of == name} for name in (STATE, PRIVATE))
    all_state, all_private = total(state.values()), total(private.values())
    require({"state employees": all_state.of, "private employees": all_private.of})
    levels = {years: (state[years], private[years]) for years in sorted(state.keys() & private.keys())}
    school, college = (
        _odds(pair for years, pair in levels.items() if (years > SCHOOL) is side) for side in (False, True)
    )
    odds, gap = _odds(levels.values()), difference(all_state, all_private)
    if odds is None:
        raise InsufficientDataError("expected a level of education that both have and that differs in income.")
    full = {years: pair for years, pair in levels.items() if min(share.of for share in pair) >= LEAST}
    behind = sum(one.value < other.value for one, other in full.values())
    surely = sum(difference(one, other).high < 0 for one, other in full.values())
    beyond = [
        Share(sum(s.of for years, s in of.items() if years > SCHOOL), total(of.values()).of) for of in (state, private)
    ]
    compared = (
        f"the state is behind in {behind} of the {len(full)} levels where both have {LEAST} respondents or more, in "
        f"{surely} by more than chance"
        if full
        else f"no level has {LEAST} respondents of both"
    )
    answer = (
        f"As a whole: {gap.verdict()}. Over 50K are {all_state} of {all_state.of:,} state employees and "
        f"{all_private} of {all_private.of:,} private ones, {gap.points()} apart. At the same level of education, on "
        f"average: {odds.verdict(1)}. The odds are {odds} times the private ones, and {compared}. "
        f"More than high school have {beyond[0].value:.1%} of the state's people and {beyond[1].value:.1%} of "
        "the others"
    )
    answer += f"; up to high school the odds are {school} times, beyond it {college}." if school and college else "."
    return answer, {
        "state": all_state.figures(),
        "private": all_private.figures(),
        "difference": gap.figures(),
        "odds_ratio_at_the_same_education": odds.figures(),
        "odds_ratio_up_to_high_school": school and school.figures(),
        "odds_ratio_beyond_high_school": college and college.figures(),
        "beyond_high_school": {"state": beyond[0].figures(), "private": beyond[1].figures()},
        "levels_compared": len(full),
        "levels_where_the_state_is_behind": behind,
        "levels_where_it_is_by_more_than_chance": surely,
    }


def _odds(pairs: Iterable[tuple[Share, Share]]) -> Estimate | None:
    return pooled_odds_ratio((*one.sides, *other.sides) for one, other in pairs)
