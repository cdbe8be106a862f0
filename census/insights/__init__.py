"""Six questions about the census, answered from the stored respondents.

The text of each answer is generated from its figures. `census/insights.ipynb` plots the answers, checks them with
statistical packages, and discusses their limits.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from census.insights.amounts import capital_gains
from census.insights.counting import Answer, InsufficientDataError
from census.insights.couples import husbands_and_wives, men_and_women
from census.insights.employers import state_and_private
from census.insights.gaps import unknown_work
from census.insights.weights import final_weights
from census.models import Respondent

QUESTIONS = {
    "Are there as many wives as husbands?": husbands_and_wives,
    "Do women have an income over 50K less often than men of the same marital status?": men_and_women,
    "Do respondents with a larger capital gain have a higher income?": capital_gains,
    "How many people do the weights represent, and do they change the results?": final_weights,
    "Can rows with a missing work class be left out?": unknown_work,
    "Do state employees have an income over 50K more often than private employees?": state_and_private,
}


def answers(respondents: QuerySet[Respondent] | None = None) -> dict[str, dict[str, Any]]:
    """Return each question with its ``answer`` and ``figures``; if a group is too small, the answer names it."""
    respondents = Respondent.objects.all() if respondents is None else respondents
    return {question: _said(ask, respondents) for question, ask in QUESTIONS.items()}


def unanswered(said: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the questions without an answer; each value names the groups that are too small."""
    return {question: entry["answer"] for question, entry in said.items() if not entry["figures"]}


def _said(ask: Callable[[QuerySet[Respondent]], Answer], respondents: QuerySet[Respondent]) -> dict[str, Any]:
    try:
        answer, figures = ask(respondents)
    except InsufficientDataError as few:
        return {"answer": f"Not enough data: {few}", "figures": {}}
    return {"answer": answer, "figures": figures}
