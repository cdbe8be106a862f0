"""State and private employers: their shares over 50K, and the role of education."""

from collections.abc import Iterable

from django.db.models import QuerySet

from census.insights.counting import LEAST, Answer, InsufficientDataError, require, shares_over_50k, total
from census.insights.intervals import Estimate, Share, difference, pooled_odds_ratio
from census.models import Respondent

STATE, PRIVATE = "State-gov", "Private"
SCHOOL = 9  # the years of education of a high school diploma in the files


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
        raise InsufficientDataError("expected a level of education with both employers and both incomes.")
    full = {years: pair for years, pair in levels.items() if min(share.of for share in pair) >= LEAST}
    behind = sum(one.value < other.value for one, other in full.values())
    surely = sum(difference(one, other).high < 0 for one, other in full.values())
    beyond = [
        Share(sum(s.of for years, s in of.items() if years > SCHOOL), total(of.values()).of) for of in (state, private)
    ]
    compared = (
        f"their share is lower at {behind} of the {len(full)} levels with {LEAST} or more respondents of each kind "
        f"(significantly lower at {surely})"
        if full
        else f"no level has {LEAST} respondents of each kind"
    )
    answer = (
        f"Overall: {gap.verdict()}. Among {all_state.of:,} state employees, {all_state} have an income over 50K; among "
        f"{all_private.of:,} private employees, {all_private}. The difference is {gap.points()}. At the same level of "
        f"education, on average: {odds.verdict(1)}. The odds of state employees are {odds} times the odds of private "
        f"employees, and {compared}. Among state employees, {beyond[0].value:.1%} have more than a high school "
        f"education; among private employees, {beyond[1].value:.1%}."
    )
    if school and college:
        answer += f" The odds ratio is {school} up to high school and {college} beyond it."
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
