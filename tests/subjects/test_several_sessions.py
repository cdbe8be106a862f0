"""A subject in several folders: which folder's values are imported, independent of the order."""

import json
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.history import edits
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

OLD, NEW = "behavior_1_2023-01-26_10-45-12", "SmartSPIM_1_2023-02-02_08-00-00_processed_2023-03-01_06-15-00"
COLUMNS = ("date_of_birth", "species", "sex", "background_strain", "genotype")


def described(**values):
    return {"schema_version": "1.0.3", "subject_id": "1", "genotype": "wt/wt", **values}


def subject():
    return dict(zip(COLUMNS, Subject.objects.values_list(*COLUMNS).get(), strict=True))


def test_sessions_with_equal_values_give_one_subject(folder):
    report = imported("import_subjects", folder(OLD, described(sex="Male")), folder(NEW, described(sex="Male")))
    assert report.counts == {
        "subjects": {"read": 2, "created": 1, "duplicates": 1},
        "sessions": {"read": 2, "created": 2},
    }
    assert report["notes"] == []
    assert subject() == dict.fromkeys(COLUMNS) | {"sex": "Male", "genotype": "wt/wt"}


def test_the_newest_session_has_precedence_and_differences_are_reported(folder):
    report = imported("import_subjects", folder(NEW, described(sex="Male")), folder(OLD, described(sex="Female")))
    assert subject()["sex"] == "Male"
    assert report["notes"] == [f"Subject 1: sex is Male in the newest session {NEW}, but Female in {OLD}."]
    assert Session.objects.get(name=OLD).document["sex"] == "Female"


def test_a_missing_value_comes_from_the_newest_session_that_has_it(folder):
    report = imported(
        "import_subjects",
        folder(OLD, described(species="Mus musculus", sex="Female")),
        folder(NEW, described(sex="Female", date_of_birth="2022-11-22", genotype=None)),
    )
    assert subject() == {
        "date_of_birth": date(2022, 11, 22),
        "species": "Mus musculus",
        "sex": "Female",
        "background_strain": None,
        "genotype": "wt/wt",
    }
    assert report["notes"] == []


def test_an_older_session_that_is_imported_later_has_no_precedence(folder):
    imported("import_subjects", folder(NEW, described(sex="Male")))
    report = imported("import_subjects", folder(OLD, described(sex="Female", species="Mus musculus")))
    assert report.counts == {"subjects": {"read": 1, "updated": 1}, "sessions": {"read": 1, "created": 1}}
    assert (subject()["sex"], subject()["species"]) == ("Male", "Mus musculus")
    assert report["notes"] == [f"Subject 1: sex is Male in the newest session {NEW}, but Female in {OLD}."]


def test_an_older_session_without_new_values_does_not_change_the_subject(folder):
    imported("import_subjects", folder(NEW, described(sex="Male")))
    report = imported("import_subjects", folder(OLD, described(sex="Female")))
    assert report.counts == {"subjects": {"read": 1, "unchanged": 1}, "sessions": {"read": 1, "created": 1}}


def test_a_newer_session_that_is_imported_later_has_precedence(folder):
    imported("import_subjects", folder(OLD, described(sex="Female")))
    assert imported("import_subjects", folder(NEW, described(sex="Male"))).counts["subjects"] == {
        "read": 1,
        "updated": 1,
    }
    assert subject()["sex"] == "Male"


def test_a_session_that_is_imported_again_has_its_new_values(folder):
    imported("import_subjects", folder(OLD, described(sex="Female")), folder(NEW, described(sex="Male")))
    imported("import_subjects", folder(NEW, described(sex=None)))
    assert subject()["sex"] == "Female"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("b_1_2023-01-26_10-45-12", "a_1_2023-01-26_10-45-13"),
        ("a_1_2023-01-26_10-45-12", "b_1_2023-01-26_10-45-12"),
        ("zzz", "a_1_2019-01-26_10-45-12"),
        ("a_1_2023-01-26_10-45-12_processed_2026-01-01_00-00-00", "a_1_2024-01-26_10-45-12"),
        ("zzz_1_2023-01-26", "a_1_2023-01-26_10-45-12"),
        ("aaa", "zzz"),
    ],
)
def test_sessions_are_ordered_by_the_first_time_stamp_in_their_names_and_then_by_name(older, newer, folder):
    imported("import_subjects", folder(newer, described(sex="Male")), folder(older, described(sex="Female")))
    assert subject()["sex"] == "Male"


STAMPS = ["", "_2023-01-26_10-45-12", "_2023-01-26_10-45-12_processed_2026-01-01_00-00-00", "_2024-05-01_09-00-00"]
VALUES = {
    "sex": ["Male", "Female", None],
    "genotype": ["wt/wt", "Sst-Cre/wt", None],
    "date_of_birth": ["2022-11-22", "2022-12-01", None],
    "species": ["Mus musculus", {"name": "Mus musculus"}, {"name": {"name": "Rattus norvegicus"}}, None],
    "background_strain": ["C57BL/6J", None],
}
NAMES = st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.sampled_from(STAMPS))
DOCUMENTS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
# Some folders are invalid: their sex is not a valid value.
SPOILT = st.sampled_from([None] * 5 + ["X"])


def expected(sessions):
    """Each subject by the documented rule: the newest valid value of every column."""
    by_subject = {}
    for (_, subject_id, _), document in sorted(sessions, key=lambda s: (s[0][2][1:20], *s[0])):
        if document["sex"] != "X":
            session = by_subject.setdefault(subject_id, dict.fromkeys(COLUMNS))
            session |= {column: plain(document[column]) for column in COLUMNS if document[column] is not None}
    return by_subject


def plain(value):
    return plain(value["name"]) if isinstance(value, dict) else value


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sessions=st.dictionaries(NAMES, st.tuples(DOCUMENTS, SPOILT), min_size=1, max_size=6),
    data=st.data(),
)
def test_any_order_and_grouping_of_folders_into_runs_gives_the_same_subjects(sessions, data):
    sessions = [(name, document | ({"sex": bad} if bad else {})) for name, (document, bad) in sessions.items()]
    order = data.draw(st.permutations(sessions), label="order")
    ends = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)), label="ends of runs")
    with transaction.atomic(), tempfile.TemporaryDirectory() as root:
        run = []
        for ((modality, subject_id, stamp), document), last in zip(order, [*ends[1:], True], strict=True):
            path = Path(root, f"{modality}_{subject_id}{stamp}", "subject.json")
            path.parent.mkdir()
            path.write_text(json.dumps({"subject_id": subject_id, **document}))
            run.append(path)
            if last:
                imported("import_subjects", *run)
                run = []
        rows = Subject.objects.values_list("subject_id", *COLUMNS)
        records = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}
        for values in records.values():
            values["date_of_birth"] = values["date_of_birth"] and values["date_of_birth"].isoformat()
        assert records == expected(sessions)
        used = Counter(name[1] for name, document in sessions if document["sex"] != "X")
        assert Counter(Session.objects.values_list("subject_id", flat=True)) == used
        transaction.set_rollback(True)


def test_a_session_with_a_corrected_subject_does_not_change_that_subject(folder):
    first = described(sex="Male")
    imported("import_subjects", folder(NEW, first), folder(OLD, described(sex="Female") | {"subject_id": "2"}))
    edits.correct(Session.objects.filter(name=NEW), {"subject": Subject.objects.get(pk="2")}, None)
    imported("import_subjects", folder(OLD, described(sex="Female", species="Mus") | {"subject_id": "2"}))
    assert dict(Subject.objects.values_list("pk", "species")) == {"1": None, "2": "Mus"}
