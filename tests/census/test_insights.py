"""Six questions to the census, answered from rows that are in sight."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from census.insights import QUESTIONS
from census.models import Respondent
from tests.importing import imported

WIVES, SEXES, GAINS, WEIGHTS, GAPS, STATE = QUESTIONS

pytestmark = pytest.mark.django_db

PERSON = {
    "age": 40,
    "workclass": "Private",
    "fnlwgt": 100_000,
    "education": "HS-grad",
    "education_num": 9,
    "marital_status": "Never-married",
    "occupation": "Sales",
    "relationship": "Not-in-family",
    "race": "White",
    "sex": "Male",
    "capital_gain": 0,
    "capital_loss": 0,
    "hours_per_week": 40,
    "native_country": "Peru",
    "income": "<=50K",
}
HUSBAND = {"marital_status": "Married-civ-spouse", "relationship": "Husband"}
WIFE = {"marital_status": "Married-civ-spouse", "relationship": "Wife", "sex": "Female"}
MASTER = {"education": "Masters", "education_num": 14}
RICH = {"income": ">50K"}


@pytest.fixture
def ask(tmp_path):
    """A function that imports so many of each person and returns what is answered, through the commands."""

    def answers(*groups):
        lines = [",".join(PERSON)]
        for number, *ways in groups:
            person = PERSON.copy()
            for way in ways:
                person |= way
            lines += [",".join(map(str, person.values()))] * number
        (tmp_path / "census.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        imported("import_census", tmp_path / "census.csv")
        return said()[0]

    return answers


def said():
    """What manage.py census_insights says, and what it complains of."""
    out, err = StringIO(), StringIO()
    call_command("census_insights", stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_wives_are_counted_against_husbands_by_heads_and_by_weight(ask):
    answer = ask((90, HUSBAND), (45, WIFE, {"fnlwgt": 50_000}), (40, {"sex": "Female"}), (40, {}))[WIVES]
    figures = answer["figures"]
    assert (figures["husbands"], figures["wives"]) == (90, 45)
    assert (figures["husbands_per_wife"], figures["husbands_per_wife_by_weight"]) == (2, 4)
    assert figures["women_among_those_with_a_spouse"]["value"] == 0.333333
    assert figures["women_among_the_others"]["value"] == 0.5
    assert answer["answer"].startswith("No: for each wife there are 2.0 husbands (90 to 45; by weight 4.0).")


def test_as_many_wives_as_husbands_are_told_as_such(ask):
    answer = ask((50, HUSBAND), (48, WIFE), (40, {}))[WIVES]
    assert answer["answer"].startswith("Yes: for each wife there are 1.0 husbands (50 to 48;")


def test_the_gap_between_the_sexes_is_compared_within_marriage(ask):
    answer = ask(
        *[(200, HUSBAND, RICH), (200, HUSBAND), (50, WIFE, RICH), (50, WIFE)],
        *[(10, RICH), (90, {}), (40, {"sex": "Female"}, RICH), (360, {"sex": "Female"})],
    )[SEXES]
    figures = answer["figures"]
    assert (figures["men"]["value"], figures["women"]["value"]) == (0.42, 0.18)
    assert figures["gap"]["value"] == 0.24
    assert [figures[f"gap_{name}"]["value"] for name in ("with_a_spouse", "of_the_others", "if_married_alike")] == [
        0
    ] * 3
    assert figures["odds_ratio_of_the_others"]["value"] == 1
    assert "it would be 0.0 points" in answer["answer"] and "100% of the gap" in answer["answer"]


def test_amounts_of_capital_gain_are_seen_to_be_one_sided(ask):
    amounts = [(1000, {}), (2000, RICH), (3000, {}), (4000, RICH), (99_999, RICH)]
    answer = ask(*[(10, {"capital_gain": amount}, side) for amount, side in amounts], (4, {"capital_gain": 41_310}))[
        GAINS
    ]
    figures = answer["figures"]
    assert (figures["amounts"], figures["amounts_of_several"], figures["one_sided"]) == (6, 5, 5)
    assert (figures["changes_of_side"], figures["top_code"], figures["top_code_over_50k"]) == (3, 10, 10)
    assert figures["largest_other_amount"] == 41_310
    assert figures["top_code_of_all_dollars"] == round(999_990 / (100_000 + 999_990 + 165_240), 6)
    assert figures["one_sided_if_amounts_told_nothing"] == round(5 * ((30 / 54) ** 10 + (24 / 54) ** 10), 6)
    assert "none of the 10 with 1,000, all of the 10 with 2,000" in answer["answer"]


def test_weights_are_set_against_heads(ask):
    answer = ask((60, RICH), (60, {"fnlwgt": 300_000}), (40, {"race": "Black", "fnlwgt": 1_490_400}))[WEIGHTS]
    figures = answer["figures"]
    weight = 60 * 100_000 + 60 * 300_000 + 40 * 1_490_400
    squares = 60 * 100_000**2 + 60 * 300_000**2 + 40 * 1_490_400**2  # beyond 32 bits
    assert figures["sum_of_weights"] == weight
    assert figures["over_50k_by_weight"]["value"] == round(6_000_000 / weight, 6)
    assert figures["change"]["value"] == round(6_000_000 / weight - 60 / 160, 6)
    assert figures["respondents_of_equal_weight"] == round(weight**2 / squares, 1)
    assert figures["races"]["Black"] == {
        "respondents": 40,
        "share_of_rows": 0.25,
        "share_of_weight": round(59_616_000 / weight, 6),
    }
    assert "Black respondents are 25.0% of the rows and 71.3% by weight" in answer["answer"]
    assert "hundredths" not in answer["answer"]  # so few people there may be


def test_gaps_are_counted_by_age(ask):
    unknown = {"workclass": "?", "occupation": "?", "hours_per_week": 20}
    ages = [18, 30, 40, 60, 70]
    answer = ask(
        *[(40, {"age": age}) for age in ages], *[(20, {"age": age}, RICH) for age in ages],
        (60, {"age": 18}, unknown), (30, {"age": 70}, unknown), (10, {"age": 70}, unknown, RICH),
        (20, {"native_country": "?"}),
    )[GAPS]  # fmt: skip
    figures = answer["figures"]
    assert {name: share["value"] for name, share in figures["without_work_class_by_age"].items()} == {
        "up to 20": 0.5,
        "21 to 34": 0,
        "35 to 54": 0,
        "55 to 64": 0,
        "65 and over": 0.4,
    }
    assert figures["without_work_class_nor_occupation"] == figures["without_work_class"]["of"] == 100
    assert figures["their_hours_per_week"] == 20
    assert (figures["without_any_gap"]["of"], figures["without_any_gap"]["count"]) == (300, 100)
    # Mantel and Haenszel, by hand: (10 x 40 / 100) against (20 x 60 / 120 + 20 x 30 / 100).
    assert figures["odds_ratio_at_the_same_age"]["value"] == 0.25
    assert answer["answer"].startswith("No: it is not known of 50.0%")


def test_a_difference_that_turns_round_at_the_same_education_is_told(ask):
    state = {"workclass": "State-gov"}
    answer = ask(
        *[(160, RICH), (1440, {}), (16, state, RICH), (184, state)],
        *[(120, MASTER, RICH), (80, MASTER), (400, MASTER, state, RICH), (400, MASTER, state)],
    )[STATE]
    figures = answer["figures"]
    assert (figures["state"]["value"], figures["private"]["value"]) == (0.416, 0.155556)
    # By hand: (16 x 1440 / 1800 + 400 x 80 / 1000) against (184 x 160 / 1800 + 400 x 120 / 1000).
    assert figures["odds_ratio_at_the_same_education"]["value"] == round((12.8 + 32) / (184 * 160 / 1800 + 48), 6)
    assert (figures["levels_compared"], figures["levels_where_the_state_is_behind"]) == (2, 2)
    assert figures["beyond_high_school"]["state"]["value"] == 0.8
    assert answer["answer"].startswith("As a whole: yes.")
    assert "At the same level of education: no." in answer["answer"]


def test_without_respondents_it_says_what_to_type():
    with pytest.raises(CommandError, match=r"There are no respondents\. .* manage\.py import_census"):
        call_command("census_insights")


def test_questions_that_few_respondents_cannot_answer_say_of_whom_there_are_too_few(respondent, tmp_path, capsys):
    respondent().save()
    answers, complaints = said()
    assert list(answers) == list(QUESTIONS)
    for entry in answers.values():
        assert entry["answer"].startswith("Not enough data: expected at least ") and entry["figures"] == {}
    assert "found 0 husbands and 0 wives" in answers[WIVES]["answer"]
    assert f"{WIVES} Not enough data:" in complaints
    call_command("census_insights", "-o", str(tmp_path / "answers.json"))
    assert "0 of 6 questions answered." in capsys.readouterr().out
    assert json.loads((tmp_path / "answers.json").read_text(encoding="utf-8")) == answers
    with pytest.raises(CommandError, match=r"--output .*: expected a file that can be written"):
        call_command("census_insights", output=str(tmp_path))
    Respondent.objects.all().delete()
