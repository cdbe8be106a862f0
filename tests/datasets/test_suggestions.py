"""Suggestions: the most likely name, with one wording."""

import pytest

from datasets.suggestions import closest, did_you_mean, suggest

COLUMNS = ["age", "given_name", "family_name"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("agee", " Did you mean age?"), ("givn_name", " Did you mean given_name?"), ("zzz", ""), ("", "")],
)
def test_the_most_similar_name_is_suggested(name, hint):
    assert suggest(name, COLUMNS) == hint
    assert suggest(name, iter(COLUMNS)) == hint


def test_without_known_names_nothing_is_suggested():
    assert suggest("age", []) == did_you_mean(None) == ""


def test_a_long_name_is_compared_by_its_beginning():
    assert closest("x" * 10_000, ["x" * 200]) == "x" * 200


def test_the_required_similarity_of_names_can_be_set():
    assert closest("name", COLUMNS, likeness=0.5) == "given_name"
    assert closest("name", COLUMNS, likeness=0.9) is None
