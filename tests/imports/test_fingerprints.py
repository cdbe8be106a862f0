"""Identities of records without a key: the file's name, the content, and the occurrence."""

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imports import fingerprints

PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\n"
ANN, BOB = "Ann,Mac,1901-02-03,Kelso\n", "Bob,Oak,1950-12-31,Kelso\n"
RESPONDENT = "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Unmarried, White, Male, 2174, 0, 40, Peru, <=50K\n"


@pytest.fixture
def places(write, importing):
    importing("people", write("places.csv", "city,county,country\nKelso,Roxburghshire,Scotland\n"))


@pytest.fixture
def identities(rows):
    """The stored identities of people, by line."""
    return lambda table="people": [
        bytes(row[0]).hex() for row in rows(f"SELECT identity FROM {table} ORDER BY changed_line")
    ]


# Every installation stores these bytes: after a change, no stored record would match its file.


def test_the_identity_of_a_person_is_stable(places, write, importing, identities):
    importing("people", write("people.csv", PEOPLE + ANN + ANN + ANN))
    assert identities() == [
        "9bb9322e36710b85c92302539ec9674c",
        "62dc6486ceb662bd7ad5023ee0016c56",
        "44e21c8be5a7b2bc1b29e06f9ce0fc82",
    ]


def test_the_identity_of_a_respondent_is_stable(write, importing, identities):
    importing("census", write("adult.data", RESPONDENT))
    assert identities("respondents") == ["004d641a36571a920961f43346b23496"]


@pytest.mark.parametrize(
    ("column", "values", "terms"),
    [
        ("text", pa.array(["Ann", ""]), ["b02e94fdad366ddb0fa564e300d5b307", "551cd0ace0add75e518821389ffcf414"]),
        ("whole", pa.array([1, -1]), ["7813e87d9c454076f633beda73d7a8bc", "feb78c55bf420462eb0d789e63412a1a"]),
        ("number", pa.array([0.5, 0.0]), ["4792f6f208799eb0138e6dc560863a5b", "83cb302cd56b9dbbbb741445d2d0fcff"]),
        (
            "day",
            pa.array([date(1970, 1, 2), date(1969, 12, 31)]),
            ["a13df51a7320c612c656ffca87ad095b", "f7b7c4f6861c25d364924d4767e0f0ab"],
        ),
        (
            "yes or no",
            pa.array([True, False]),
            ["75941e6f6f3c35cf912fb91d3fe11cb6", "4bee93ede9f6e83d24e563537e603f30"],
        ),
    ],
    ids=["text", "whole", "number", "day", "yes or no"],
)
def test_the_hash_terms_of_each_type_of_column_are_stable(column, values, terms):
    assert _hex(fingerprints.column_terms(column, values)) == terms
    with_null = pa.concat_arrays([values, pa.nulls(1, values.type)])
    assert _hex(fingerprints.column_terms(column, with_null)) == [*terms, "00" * 16]


def test_the_hash_term_of_a_file_name_is_stable():
    assert _hex(fingerprints.name_term("people.csv")) == ["49faea65cfe681a0f6b695881ef1eeb7"]


def _hex(lanes):
    return [row.hex() for row in fingerprints.stored(lanes).to_pylist()]


# The parts of an identity


def test_equal_rows_are_different_people(places, write, importing, rows, identities):
    report = importing("people", write("people.csv", PEOPLE + ANN + BOB + ANN + ANN))
    assert report.counts == {"people": {"read": 4, "created": 4}}
    assert rows("SELECT given_name FROM people ORDER BY changed_line") == [("Ann",), ("Bob",), ("Ann",), ("Ann",)]
    assert len(set(identities())) == 4


def test_one_more_equal_row_is_created_and_one_less_is_missing(places, write, importing):
    importing("people", write("people.csv", PEOPLE + ANN + ANN))
    report = importing("people", write("people.csv", PEOPLE + ANN + ANN + ANN))
    assert report.counts == {"people": {"read": 3, "created": 1, "unchanged": 2}}
    report = importing("people", write("people.csv", PEOPLE + ANN))
    assert report.counts == {"people": {"read": 1, "unchanged": 1, "missing": 2}}


def test_the_order_of_rows_and_of_columns_does_not_matter(places, write, importing):
    importing("people", write("people.csv", PEOPLE + ANN + BOB + ANN))
    report = importing("people", write("people.csv", PEOPLE + BOB + ANN + ANN))
    assert report.counts == {"people": {"read": 3, "unchanged": 3}}
    turned = "place_of_birth,given_name,date_of_birth,family_name\nKelso,Ann,1901-02-03,Mac\n"
    assert importing("people", write("people.csv", turned)).counts["people"]["unchanged"] == 1


def test_the_same_row_of_another_file_is_another_person(places, write, importing, identities):
    importing("people", write("people.csv", PEOPLE + ANN))
    importing("people", write("people_2.csv", PEOPLE + ANN + BOB + BOB))
    assert len(set(identities())) == 4


def test_the_same_text_in_another_column_is_another_content(places, write, importing, identities):
    importing("people", write("people.csv", PEOPLE + "Ann,Mac,1901-02-03,Kelso\nMac,Ann,1901-02-03,Kelso\n"))
    assert len(set(identities())) == 2


def test_a_corrected_record_still_matches_its_file(places, write, importing, rows, execute):
    importing("people", write("people.csv", PEOPLE + ANN + BOB))
    execute("UPDATE people SET given_name = 'Anne' WHERE given_name = 'Ann'")
    report = importing("people", write("people.csv", PEOPLE + ANN + BOB))
    assert (report.counts["people"]["unchanged"], report["missing"]) == (2, [])
    assert rows("SELECT given_name FROM people ORDER BY changed_line") == [("Anne",), ("Bob",)]


def test_a_row_that_is_rejected_does_not_count_as_an_occurrence(places, write, importing):
    bad = "Ann,Mac,soon,Kelso\n"
    importing("people", write("people.csv", PEOPLE + bad + ANN + ANN))
    assert importing("people", write("people.csv", PEOPLE + ANN + bad + ANN)).counts["people"]["unchanged"] == 2


def test_an_identity_contains_the_name_of_its_file_and_can_change_it(places, write, importing, identities):
    importing("people", write("people.csv", PEOPLE + ANN + BOB + ANN))
    before = [bytes.fromhex(each) for each in identities()]
    importing("people", write("more.csv", PEOPLE + ANN + BOB + ANN), "--as", "more.csv")
    after = [bytes.fromhex(each) for each in identities()]
    renamed = fingerprints.renamed(before, "people.csv", "more.csv")
    assert sorted([*before, *renamed]) == sorted(after)
    assert fingerprints.renamed(renamed, "more.csv", "people.csv") == before


# Occurrences, whatever the batches


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=8), st.sets(st.integers(0, 5)))
def test_occurrences_are_numbered_through_all_batches(batches, stored):
    occurrences, came = fingerprints.Occurrences(Stored(stored)), Counter()
    for batch in batches:
        contents = np.array([_content(number) for number in batch], np.uint64).reshape(-1, 2).T.copy()
        occurrences.add(contents)
        expected = []
        for number in batch:
            again = np.array([came[number]], np.uint64)
            term = fingerprints.number_terms("occurrence", again)[:, 0] if came[number] else np.zeros(2, np.uint64)
            expected.append(np.array(_content(number), np.uint64) + term)
            came[number] += 1
        assert contents.T.tolist() == [each.tolist() for each in expected]


class Stored(list):
    """Contents whose first occurrence is stored."""

    def indexes(self, lanes):
        known = [_content(number) for number in self]
        return np.array([known.index(each) if each in known else -1 for each in map(tuple, lanes.T.tolist())], int)


def _content(number):
    return fingerprints.text_term("content", str(number))


def test_occurrences_are_numbered_in_more_rows_than_one_batch_takes(places, write, importing, rows):
    # Ann comes first, last, and 3,000 times in between; reading takes 4 MB at a time.
    other = "".join(f"{'x' * 190}{n},Mac,1901-02-03,Kelso\n" + ANN * (n % 8 == 0) for n in range(24_000))
    report = importing("people", write("people.csv", PEOPLE + ANN + other + ANN))
    assert report.counts == {"people": {"read": 27_002, "created": 27_002}}
    assert rows("SELECT count(DISTINCT identity) FROM people WHERE given_name = 'Ann'") == [(3_002,)]


def test_occurrences_of_many_repeated_rows_are_numbered_through_all_batches():
    # 5,000 contents in 60 batches of 1,000 rows, of which nine tenths are the one content 0.
    draw = np.random.default_rng(7)
    numbers = np.where(draw.random(60_000) < 0.9, 0, draw.integers(0, 5_000, 60_000))
    pool = fingerprints.number_terms("content", np.arange(5_000))
    contents, occurrences, came = pool[:, numbers], fingerprints.Occurrences(), Counter()
    for start in range(0, 60_000, 1_000):
        occurrences.add(contents[:, start : start + 1_000])
    expected = []
    for number in numbers.tolist():
        expected.append(came[number])
        came[number] += 1
    terms = fingerprints.number_terms("occurrence", np.array(expected))
    terms[:, np.array(expected) == 0] = 0
    assert came[0] > 50_000
    assert (contents == pool[:, numbers] + terms).all()
