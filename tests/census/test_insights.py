"""The six census insights, tested with small sets of respondents."""

import json
import random
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from census.insights import QUESTIONS, answers
from census.models import Respondent
from tests.import_helpers import imported

WIVES, SEXES, GAINS, WEIGHTS, GAPS, STATE = QUESTIONS

VERDICT = "yes|no|unclear"

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
    """A function that imports the given numbers of respondents and returns the answers of the command."""

    def said_of(*groups):
        lines = [",".join(PERSON)]
        for number, *ways in groups:
            person = PERSON.copy()
            for traits in ways:
                person |= traits
            lines += [",".join(map(str, person.values()))] * number
        (tmp_path / "census.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        imported("import_census", tmp_path / "census.csv")
        return insights()[0]

    return said_of


def insights():
    """Return the answers of manage.py census_insights and its messages on standard error."""
    out, err = StringIO(), StringIO()
    call_command("census_insights", stdout=out, stderr=err)
    return json.loads(out.getvalue()), err.getvalue()


def test_wives_and_husbands_are_compared_with_and_without_weights(ask):
    answer = ask((90, HUSBAND), (45, WIFE, {"fnlwgt": 50_000}), (40, {"sex": "Female"}), (40, {}))[WIVES]
    figures = answer["figures"]
    assert (figures["husbands"], figures["wives"]) == (90, 45)
    assert (figures["husbands_per_wife"], figures["husbands_per_wife_by_weight"]) == (2, 4)
    assert figures["women_among_those_with_a_spouse"]["value"] == 0.333333
    assert figures["women_among_the_others"]["value"] == 0.5
    assert answer["answer"].startswith("No: there are 2.0 husbands for each wife (90 to 45; weighted: 4.0).")


def test_equal_numbers_of_wives_and_husbands_are_reported_if_there_are_enough(ask):
    few = ask((50, HUSBAND), (48, WIFE), (40, {}))[WIVES]
    assert few["answer"].startswith("Unclear: there are 1.0 husbands for each wife (50 to 48;")
    many = ask((1100, HUSBAND), (1100, WIFE), (40, {}))[WIVES]
    assert many["answer"].startswith("Yes, approximately: there are 1.0 husbands for each wife (")


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
    assert figures["gap_if_men_married_as_women"]["value"] == 0
    assert "the gap would be 0.0 points" in answer["answer"] and "100% (" in answer["answer"]


def test_the_part_of_the_gap_explained_by_marriage_is_reported_by_both_standards(ask):
    answer = ask(
        *[(200, HUSBAND, RICH), (200, HUSBAND), (40, WIFE, RICH), (60, WIFE)],
        *[(20, RICH), (80, {}), (40, {"sex": "Female"}, RICH), (360, {"sex": "Female"})],
    )[SEXES]
    figures = answer["figures"]
    # 44% - 16%. With the distribution of the men, women would have 34%; with that of the women, men would have 26%.
    assert [figures[name]["value"] for name in ("gap", "gap_if_married_alike", "gap_if_men_married_as_women")] == [
        *(0.28, 0.1, 0.1)
    ]
    of_it = [figures[f"part_of_the_gap_at_the_{sex}_shares"] for sex in ("womens", "mens")]
    assert [part["value"] for part in of_it] == [0.642857] * 2
    assert all(part["low"] < 0.6 and 0.7 < part["high"] for part in of_it)
    assert answer["answer"].startswith("Overall: yes.") and "Without a spouse: yes; " in answer["answer"]
    assert "With a spouse: unclear; " in answer["answer"]
    assert re.search(
        r"By these two standards, marital status explains 64% \(\d+ to \d+\) and 64% \(\d+ to \d+\) of the gap",
        answer["answer"],
    )


def test_one_sided_amounts_of_capital_gain_are_detected(ask):
    amounts = [(1000, {}), (2000, RICH), (3000, {}), (4000, RICH), (99_999, RICH)]
    answer = ask(*[(20, {"capital_gain": amount}, side) for amount, side in amounts], (4, {"capital_gain": 41_310}))[
        GAINS
    ]
    figures = answer["figures"]
    assert (figures["amounts"], figures["amounts_of_several"], figures["one_sided"]) == (6, 5, 5)
    assert (figures["changes_of_side"], figures["top_code"], figures["top_code_over_50k"]) == (3, 20, 20)
    assert figures["largest_other_amount"] == 41_310
    assert figures["top_code_of_all_dollars"] == round(1_999_980 / (200_000 + 1_999_980 + 165_240), 6)
    assert figures["one_sided_if_amounts_told_nothing"] == round(5 * ((60 / 104) ** 20 + (44 / 104) ** 20), 6)
    # The smaller half: 20 of 60 have 2,000; the larger one: 40 of 44.
    assert (figures["median_gain"], figures["difference"]["value"]) == (3000, round(40 / 44 - 20 / 60, 6))
    assert answer["answer"].startswith("Overall: yes.") and "From amount to amount: no." in answer["answer"]
    assert (
        "changes 3 times; the clearest fall is from all of the 20 with 2,000 to none of the 20 with 3,000."
        in answer["answer"]
    )


def test_amounts_that_are_one_sided_by_chance_are_not_significant(ask):
    gains = [
        (n, {"capital_gain": 1000 * k}, side) for k in range(1, 19) for n, side in ((2 + k % 2, RICH), (3 - k % 2, {}))
    ]
    answer = ask(*gains, (5, {"capital_gain": 1500}, RICH), (5, {"capital_gain": 2500}))[GAINS]
    figures = answer["figures"]
    assert (figures["one_sided"], figures["changes_of_side"]) == (2, 1) and figures["clearest_fall"]
    # The probability of at least 2 of 20 amounts of 5 respondents, each with a probability of 1/16.
    none, single = (15 / 16) ** 20, 20 * (15 / 16) ** 19 / 16
    assert figures["chance_of_so_many_one_sided"] == round(1 - none - single, 6)
    assert "Overall: unclear." in answer["answer"]
    assert "From amount to amount: unclear." in answer["answer"]


def test_a_rise_in_the_share_over_50k_is_reported(ask):
    answer = ask(
        *[(20, {"capital_gain": amount}, RICH if amount > 3000 else {}) for amount in range(1000, 7000, 1000)]
    )[GAINS]
    assert "From amount to amount: yes." in answer["answer"] and "changes 1 time." in answer["answer"]
    assert answer["figures"]["clearest_fall"] == []


def test_weighted_and_unweighted_shares_are_compared(ask):
    answer = ask((60, RICH), (60, {"fnlwgt": 300_000}), (40, {"race": "Black", "fnlwgt": 1_490_400}))[WEIGHTS]
    figures = answer["figures"]
    weight = 60 * 100_000 + 60 * 300_000 + 40 * 1_490_400
    squares = 60 * 100_000**2 + 60 * 300_000**2 + 40 * 1_490_400**2  # beyond 32 bits
    assert figures["sum_of_weights"] == weight
    assert figures["over_50k_by_weight"]["value"] == round(6_000_000 / weight, 6)
    assert figures["change"]["value"] == round(6_000_000 / weight - 60 / 160, 6)
    assert figures["respondents_of_equal_weight"] == round(weight**2 / squares, 1)
    black = figures["races"]["Black"]
    assert black["change"].pop("low") > 0.3 and black["change"].pop("high") < 0.6
    assert black == {
        "respondents": 40,
        "share_of_rows": 0.25,
        "share_of_weight": round(59_616_000 / weight, 6),
        "change": {"value": round(59_616_000 / weight - 0.25, 6)},
    }
    assert "Black respondents are 25.0% of the rows and 71.3% by weight" in answer["answer"]
    assert "hundredths" not in answer["answer"]  # the sum is not above the population


@pytest.mark.parametrize("weights", [(100_000, 100_000), (90_000, 110_000)])
def test_races_that_weigh_the_same_are_not_distinguished(ask, weights):
    people = [{"fnlwgt": weight, "race": race} for weight in weights for race in ("White", "Black", "Other")]
    answer = ask(*[(20, person, side) for person in people for side in (RICH, {})])[WEIGHTS]
    assert "Whether weights change the share of a race: unclear." in answer["answer"]
    assert "Weights change the shares" not in answer["answer"]


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
    # Mantel and Haenszel: (10 x 40 / 100) against (20 x 60 / 120 + 20 x 30 / 100).
    assert figures["odds_ratio_at_the_same_age"]["value"] == 0.25
    assert answer["answer"].startswith("No: the work class is missing for 50.0%")
    assert figures["of_these_aged_21_to_64"]["count"] == 0


def test_random_gaps_are_not_reported_as_relevant(ask):
    unknown = {"workclass": "?", "occupation": "?"}
    answer = ask(
        *[(n, {"age": age}, gap, side) for age in (18, 30, 40, 60, 70) for n, gap in ((30, {}), (10, unknown))
          for side in (RICH, {})]
    )[GAPS]  # fmt: skip
    assert answer["answer"].startswith("Unclear: the work class is missing for 25.0%")
    assert "Of the 100 respondents without a work class, 60.0% (50.2 to 69.1) are aged 21 to 64," in answer["answer"]


def test_a_difference_that_turns_round_at_the_same_education_is_reported(ask):
    state = {"workclass": "State-gov"}
    answer = ask(
        *[(160, RICH), (1440, {}), (16, state, RICH), (184, state)],
        *[(120, MASTER, RICH), (80, MASTER), (400, MASTER, state, RICH), (400, MASTER, state)],
    )[STATE]
    figures = answer["figures"]
    assert (figures["state"]["value"], figures["private"]["value"]) == (0.416, 0.155556)
    # (16 x 1440 / 1800 + 400 x 80 / 1000) against (184 x 160 / 1800 + 400 x 120 / 1000).
    assert figures["odds_ratio_at_the_same_education"]["value"] == round((12.8 + 32) / (184 * 160 / 1800 + 48), 6)
    assert (figures["levels_compared"], figures["levels_where_the_state_is_behind"]) == (2, 2)
    assert figures["levels_where_it_is_by_more_than_chance"] == 1  # 50% of 800 against 60% of 200; 8% against 10%
    assert figures["beyond_high_school"]["state"]["value"] == 0.8
    assert answer["answer"].startswith("Overall: yes.")
    assert "At the same level of education, on average: no." in answer["answer"]


def test_employers_without_a_common_large_level_of_education_are_not_compared_by_level(ask):
    groups = [(traits, side) for traits in ({}, MASTER) for side in ({}, RICH)]
    answer = ask(*[(10, {"workclass": "State-gov"}, *group) for group in groups], *[(40, *group) for group in groups])[
        STATE
    ]
    assert answer["figures"]["levels_compared"] == 0
    assert "private employees, and no level has 30 respondents of each kind. Among state employees" in answer["answer"]


def test_the_answers_for_random_respondents_are_mostly_unclear(ask):
    chosen, samples = random.Random(1994), range(1, 11)
    ways = (
        [HUSBAND, WIFE, {}, {"sex": "Female"}],
        [{"workclass": "?", "occupation": "?"}, {"workclass": "State-gov"}, {}],
        [{"age": age} for age in (18, 30, 40, 60, 70)],
        [{"capital_gain": amount} for amount in (0, 0, *range(1000, 11_000, 1000))],
        [{"race": race, "fnlwgt": weight} for race in ("White", "Black", "Other") for weight in (90_000, 150_000)],
        [MASTER, {}],
        [RICH, {}],
        [{"native_country": country} for country in ("?", "Peru", "Peru")],
    )
    ask(*[(1, *map(chosen.choice, ways), {"hours_per_week": sample}) for sample in samples for _ in range(1000)])
    claims = []
    for sample in samples:
        insights = answers(Respondent.objects.filter(hours_per_week=sample))
        result = {question: entry["answer"] for question, entry in insights.items()}
        claims += [result[WIVES].startswith("No: "), result[GAPS].startswith("No: ")]
        claims += ["is not significant" not in result[WEIGHTS], "Weights change the shares" in result[WEIGHTS]]
        claims += [verdict != "unclear" for verdict in re.findall(f": ({VERDICT})[.;]", result[SEXES])]
        claims += [verdict != "unclear" for verdict in re.findall(f": ({VERDICT})[.;]", result[GAINS])]
        claims += [verdict != "unclear" for verdict in re.findall(f": ({VERDICT})[.;]", result[STATE])]
    assert len(claims) >= len(samples) * 11
    assert sum(claims) < 0.1 * len(claims)  # of 95% intervals, 1 in 20 may be wrong


def test_without_respondents_the_command_says_what_to_type():
    with pytest.raises(CommandError, match=r"There are no respondents\. .* manage\.py import_census"):
        call_command("census_insights")


def test_questions_with_too_few_respondents_name_the_groups(respondent, tmp_path, capsys):
    respondent().save()
    result, complaints = insights()
    assert list(result) == list(QUESTIONS)
    for entry in result.values():
        assert entry["answer"].startswith("Not enough data: expected at least ") and entry["figures"] == {}
    assert "found 0 husbands and 0 wives" in result[WIVES]["answer"]
    assert f"{WIVES} Not enough data:" in complaints
    call_command("census_insights", "-o", str(tmp_path / "answers.json"))
    assert "0 of 6 questions answered." in capsys.readouterr().out
    assert json.loads((tmp_path / "answers.json").read_text(encoding="utf-8")) == result
    with pytest.raises(CommandError, match=r"--output .*: cannot write the file"):
        call_command("census_insights", output=str(tmp_path))
    Respondent.objects.all().delete()
