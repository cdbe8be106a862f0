"""Six questions about the census that need a careful analysis, answered from the stored respondents.

Each answer is a sentence generated from the figures beside it. `census/insights.ipynb` plots and tests the answers and
explains why they matter.
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
    "Are women over 50K less often than men of the same marital status?": men_and_women,
    "Does a larger capital gain go with a higher income?": capital_gains,
    "How many people do the weights stand for, and do they change the picture?": final_weights,
    "May rows be left out because their work class is not known?": unknown_work,
    "Are state employees over 50K more often than private ones?": state_and_private,
}


def answers(respondents: QuerySet[Respondent] | None = None) -> dict[str, dict[str, Any]]:
    """Return each question with its ``answer`` and ``figures``; the answer names any group that is too small."""
    respondents = Respondent.objects.all() if respondents is None else respondents
    return {question: _said(ask, respondents) for question, ask in QUESTIONS.items()}


def unanswered(said: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the questions with too few respondents for an answer, each with the size of the group in question."""
    return {question: entry["answer"] for question, entry in said.items() if not entry["figures"]}


def _said(ask: Callable[[QuerySet[Respondent]], Answer], respondents: QuerySet[Respondent]) -> dict[str, Any]:
    try:
        answer, figures = ask(respondents)
    except InsufficientDataError as few:
        return {"answer": f"Not enough data: {few}", "figures": {}}
    return {"answer": answer, "figures": figures}
