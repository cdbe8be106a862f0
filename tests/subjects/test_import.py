"""Import of subjects and sessions from experiment folders by the command."""

from datetime import date

import pytest

from subjects.models import Session, Subject, SubjectsByBirthYear
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

MOUSE = {
    "schema_version": "1.0.3",
    "subject_id": "615310",
    "sex": "Female",
    "date_of_birth": "2022-11-22",
    "species": {"name": "Mus musculus", "registry_identifier": "10090"},
    "background_strain": None,
    "genotype": "Sst-IRES-Cre/wt",
}
FIRST, LATER = "ecephys_615310_2023-01-26_10-45-12", "behavior_615310_2023-02-02_21-58-54"
COLUMNS = ("subject_id", "date_of_birth", "species", "sex", "background_strain", "genotype")
AS_TOLD = ("615310", date(2022, 11, 22), "Mus musculus", "Female", None, "Sst-IRES-Cre/wt")


def subjects():
    return list(Subject.objects.order_by("pk").values_list(*COLUMNS))


def sessions():
    return list(Session.objects.order_by("name").values_list("name", "subject_id", "schema_version"))


def test_import_creates_subjects_and_their_sessions(folder):
    path = folder(FIRST, MOUSE)
    assert imported("import_subjects", path).counts == {
        "subjects": {"read": 1, "created": 1},
        "sessions": {"read": 1, "created": 1},
    }
    assert subjects() == [AS_TOLD]
    assert sessions() == [(FIRST, "615310", "1.0.3")]
    assert Session.objects.get().document == MOUSE
    assert list(SubjectsByBirthYear.objects.values_list()) == [("2022-Female", 2022, "Female", 1)]


def test_a_folder_of_folders_is_searched_and_unchanged_on_repetition(folder):
    folder(FIRST, MOUSE)
    everything = folder("inner/deep_700001_2024-01-01_00-00-00", MOUSE | {"subject_id": "700001"}).parent.parent
    (everything / "notes.txt").write_text("not imported")
    report = imported("import_subjects", everything)
    assert report.counts["sessions"] == {"read": 2, "created": 2}
    assert [note for note in report["notes"] if "notes.txt was skipped because it matches no source" in note]
    assert imported("import_subjects", everything).counts == {
        "subjects": {"read": 2, "unchanged": 2},
        "sessions": {"read": 2, "unchanged": 2},
    }


def test_a_file_with_another_name_gives_its_name_to_the_session(tmp_path, folder):
    path = folder(FIRST, MOUSE) / "subject.json"
    imported("import_subjects", path.rename(path.with_name("2023-03-03_615310.json")))
    assert sessions() == [("2023-03-03_615310", "615310", "1.0.3")]


def test_changed_values_of_a_session_are_updated(folder):
    imported("import_subjects", folder(FIRST, MOUSE))
    report = imported("import_subjects", folder(FIRST, MOUSE | {"genotype": "wt/wt"}))
    assert report.counts == {"subjects": {"read": 1, "updated": 1}, "sessions": {"read": 1, "updated": 1}}
    assert subjects() == [(*AS_TOLD[:-1], "wt/wt")]
    assert Session.objects.get().document["genotype"] == "wt/wt"
    assert report["notes"] == []


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "document",
    [
        {"data": MOUSE},
        {"message": "Valid model", "data": MOUSE},
        {"subject": MOUSE},
        {"data": {"subject": MOUSE}},
        {"subject_id": None, "subject": MOUSE},
    ],
)
def test_a_wrapped_subject_is_unwrapped_and_its_document_stored_unchanged(document, folder):
    imported("import_subjects", folder(FIRST, document))
    assert subjects() == [AS_TOLD]
    assert sessions() == [(FIRST, "615310", "1.0.3")]
    assert Session.objects.get().document == document


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            {"object_type": "Human subject", "sex": "Female", "year_of_birth": 1980, "source": {"name": "A clinic"}},
            (None, None, "Female", None, None),
        ),
        (
            {"object_type": "Human subject", "species": {"name": "Homo sapiens"}, "year_of_birth": 1980},
            (None, "Homo sapiens", None, None, None),
        ),
        (
            {"object_type": "Calibration object", "empty": True, "objects": None, "description": "An empty chamber"},
            (None, None, None, None, None),
        ),
        (
            {"object_type": "Mouse subject", "sex": "Male", "strain": None, "genotype": "wt/wt"},
            (None, None, "Male", None, "wt/wt"),
        ),
        ({}, (None, None, None, None, None)),
        (None, (None, None, None, None, None)),
    ],
)
def test_details_of_any_kind_are_imported_as_far_as_possible(details, expected, folder):
    document = {"object_type": "Subject", "schema_version": "2.2.1", "subject_id": "H-0417", "subject_details": details}
    assert imported("import_subjects", folder("H-0417_2024-11-05_10-30-00", document)).counts["subjects"] == {
        "read": 1,
        "created": 1,
    }
    assert subjects() == [("H-0417", *expected)]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("field", "value", "column", "expected"),
    [
        ("species", "Mus musculus", "species", "Mus musculus"),
        ("species", {"name": {"name": "Mus musculus", "abbreviation": None}}, "species", "Mus musculus"),
        ("species", {"registry": "NCBI"}, "species", None),
        ("background_strain", {"name": "C57BL/6J"}, "background_strain", "C57BL/6J"),
        ("background_strain", "", "background_strain", None),
        ("strain", {"name": "Unknown"}, "background_strain", "Unknown"),
        ("sex", "male", "sex", "Male"),
        ("sex", " Female ", "sex", "Female"),
        ("subject_id", 615310, "subject_id", "615310"),
    ],
)
def test_a_value_is_read_in_each_version_of_the_schema(field, value, column, expected, folder):
    imported("import_subjects", folder(FIRST, MOUSE | {field: value}))
    assert Subject.objects.values_list(column, flat=True).get() == expected


NO_SUBJECT = "contains no subject: expected an object with a subject_id, at the top level or under data or subject"


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"schema_version": "1.0.3",\n "subject_id": ', 2, "line 2, column 16: expected a value, found the end"),
        ("", 1, "is empty"),
        ('{"message": "No subject found", "data": null}', 1, NO_SUBJECT),
        ('{"subject_id": ""}', 1, NO_SUBJECT),
        ('\n{"subject_id": "1", "subject_details": "a mouse"}', 2, "has subject_details that are not an object"),
        ("[1, 2]", 1, "expected"),
    ],
)
def test_a_file_without_a_subject_is_rejected_once_and_the_rest_imported(text, line, message, folder):
    folder("bad_1_2023-01-01_00-00-00", text)
    everything = folder(FIRST, MOUSE).parent
    report = imported("import_subjects", everything)
    assert report.counts == {
        "subjects": {"read": 2, "created": 1, "rejected": 1},
        "sessions": {"read": 1, "created": 1},
    }
    (rejection,) = report["rejections"]
    assert (rejection["file"], rejection["line"]) == ("bad_1_2023-01-01_00-00-00", line)
    assert rejection["values"] == {"file": "bad_1_2023-01-01_00-00-00"}
    (problem,) = rejection["problems"]
    assert message in problem["message"]
    assert str(everything.parent) not in problem["message"]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("day", ["2997-01-01", "0217-11-22"])
def test_no_subject_is_born_in_the_future_or_before_the_year_1000(day, folder):
    report = imported("import_subjects", folder(FIRST, MOUSE | {"date_of_birth": day}))
    assert report.rejected == [(FIRST, 1, "date_of_birth")]
    assert report["rejections"][0]["problems"][0]["message"].startswith("is not accepted: expected a date ")


@pytest.mark.parametrize("known", [False, True])
def test_a_document_with_an_invalid_value_creates_neither_subject_nor_session(known, folder):
    if known:
        imported("import_subjects", folder(FIRST, MOUSE))
    report = imported("import_subjects", folder(LATER, MOUSE | {"date_of_birth": "22/11/2022", "sex": "F"}))
    assert report.rejected == [(LATER, 1, "date_of_birth", "sex")]
    assert report["rejections"][0]["problems"][0]["value"] == "22/11/2022"
    assert subjects() == [AS_TOLD] * known
    assert [name for name, *_ in sessions()] == [FIRST] * known


def test_a_subject_is_missing_if_its_folder_has_another(folder):
    imported("import_subjects", folder(FIRST, MOUSE), folder("x_1_2023-01-01_00-00-00", MOUSE | {"subject_id": "1"}))
    other = folder(FIRST, MOUSE | {"subject_id": "615311"})
    report = imported("import_subjects", other)
    assert report.counts == {
        "subjects": {"read": 1, "created": 1, "missing": 1},
        "sessions": {"read": 1, "updated": 1},
    }
    missing = {"source": "subjects", "pk": "615310", "record": "615310", "values": {}, "file": FIRST, "line": 1}
    assert report["missing"] == [missing]
    report = imported("import_subjects", other, delete_missing=True)
    assert report.counts["subjects"] == {"read": 1, "unchanged": 1, "missing": 1, "deleted": 1}
    assert [row[0] for row in subjects()] == ["1", "615311"]


def test_a_folder_that_is_not_imported_again_is_not_missing(folder):
    imported("import_subjects", folder(FIRST, MOUSE), folder("x_1_2023-01-01_00-00-00", MOUSE | {"subject_id": "1"}))
    assert "missing" not in str(imported("import_subjects", folder(FIRST, MOUSE), delete_missing=True).counts)
    assert len(subjects()) == 2


@pytest.mark.parametrize("now", ['{"subject_id": ', '{"subject_id": "615310", "sex": "F"}'])
def test_records_of_an_unreadable_folder_are_not_missing(now, folder):
    imported("import_subjects", folder(FIRST, MOUSE))
    report = imported("import_subjects", folder(FIRST, now), delete_missing=True)
    assert report.counts == {"subjects": {"read": 1, "rejected": 1}, "sessions": {}}
    assert (subjects(), len(sessions())) == ([AS_TOLD], 1)


def test_the_sample_is_imported_except_its_planted_files():
    report = imported("import_subjects")
    assert report.counts == {
        "subjects": {"read": 60, "created": 52, "duplicates": 6, "rejected": 2},
        "sessions": {"read": 58, "created": 58},
    }
    assert sorted(report.rejected) == [
        ("SmartSPIM_702244_2024-02-29_11-45-00", 1, None),
        ("ecephys_689120_2023-06-21_14-02-47", 4, None),
    ]
    assert [note.split(" is ")[0] for note in report["notes"]] == [
        "Subject 628602: date_of_birth",
        "Subject 663713: sex",
    ]
    assert imported("import_subjects").counts == {
        "subjects": {"read": 60, "unchanged": 52, "duplicates": 6, "rejected": 2},
        "sessions": {"read": 58, "unchanged": 58},
    }


def test_an_empty_array_has_no_subject(folder):
    report = imported("import_subjects", folder(LATER, "[ ]"), folder(FIRST, MOUSE))
    assert report.counts["subjects"] == {"read": 2, "created": 1, "rejected": 1}
    assert report.rejected == [(LATER, 1, None)]
