"""A document is accepted by all tables that it feeds, or by none."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from census.models import Workclass
from imports.models import ImportRun
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]

MOUSE = {"schema_version": "1.0.3", "subject_id": "615310", "sex": "Female", "date_of_birth": "2022-11-22"}
FIRST, OTHER = "ecephys_615310_2023-01-26_10-45-12", "behavior_700001_2023-02-02_21-58-54"
# Documents rejected by the table of subjects, by the table of sessions, and by both.
REJECTED = {
    "a list for one value": ({"sex": ["Female"]}, "sex"),
    "an object for one value": ({"genotype": {"a": 1}}, "genotype"),
    "a value that is none": ({"date_of_birth": "22/11/2022"}, "date_of_birth"),
    "a list in the session": ({"schema_version": ["1.0.3"]}, "schema_version"),
    "a text too long for the session": ({"schema_version": "1" * 51}, "schema_version"),
    "a number no database keeps": ({"weight": float("nan")}, None),
    "no subject": ({"subject_id": None}, None),
}


def stored():
    provenance = ("created_in", "created_line", "changed_in", "changed_line")
    subjects = Subject.objects.order_by("pk").values_list("subject_id", "sex", "date_of_birth", *provenance)
    return list(subjects), list(Session.objects.order_by("pk").values_list("name", "document", *provenance))


@pytest.mark.parametrize("case", REJECTED)
@pytest.mark.parametrize("known", [False, True])
def test_a_rejected_document_changes_no_table_and_makes_no_record_missing(folder, case, known):
    change, column = REJECTED[case]
    if known:
        imported("import_subjects", folder(FIRST, MOUSE))
    before = stored()
    path = folder(FIRST, MOUSE | {"background_strain": "C57BL/6J"} | change)
    for preview in (True, False):
        report = imported("import_subjects", path, delete_missing=True, dry_run=preview)
        assert report.rejected == [(FIRST, 1, column)]
        # The run has the rejection once.
        assert sorted(map(str, report.counts.values())) == ["{'read': 1, 'rejected': 1}", "{}"]
        assert report["missing"] == [] and stored() == before


@pytest.mark.parametrize("case", ["a list for one value", "a text too long for the session"])
def test_the_other_documents_of_the_import_are_accepted(folder, case):
    change, column = REJECTED[case]
    everything = folder(FIRST, MOUSE | change).parent
    folder(OTHER, MOUSE | {"subject_id": "700001"})
    assert imported("import_subjects", everything).rejected == [(FIRST, 1, column)]
    assert [row[0] for part in stored() for row in part] == ["700001", OTHER]


def test_a_fixed_document_is_accepted_by_all_tables(folder):
    imported("import_subjects", folder(FIRST, MOUSE | {"schema_version": ["1.0.3"]}))
    report = imported("import_subjects", folder(FIRST, MOUSE))
    assert report.counts == {"subjects": {"read": 1, "created": 1}, "sessions": {"read": 1, "created": 1}}


@pytest.mark.django_db(transaction=True)
def test_an_uploaded_document_is_rejected_by_all_tables(admin_client):
    text = json.dumps(MOUSE | {"schema_version": {"major": 1}})
    files = SimpleUploadedFile(f"{FIRST}.json", text.encode())
    admin_client.post("/admin/imports/importrun/import/", {"dataset": "subjects", "files": files, "encoding": "utf-8"})
    call_command("worker", batch=True)
    run = ImportRun.objects.latest("pk")
    assert [(file.source, file.read, file.rejected, file.created) for file in run.files.order_by("pk")] == [
        ("subjects", 0, 0, 0),
        ("sessions", 1, 1, 0),
    ]


def test_a_rejected_row_creates_no_term_and_no_member(tmp_path):
    row = "39, Guild, 77516, Bachelors, 13, Never-married, Sales, Unmarried, Other, Female, 0, 0, 40, Peru, <=50K\n"
    (tmp_path / "adult.data").write_text(row.replace("39", "390") + row.replace("Guild", "Private"))
    assert imported("import_census", tmp_path).counts == {"respondents": {"read": 2, "created": 1, "rejected": 1}}
    assert list(Workclass.objects.values_list("name", flat=True)) == ["Private"]


def test_only_the_rejected_one_of_several_documents_in_a_file_is_skipped(folder, tmp_path):
    documents = [MOUSE | {"subject_id": str(key)} for key in range(1, 6)]
    lines = [json.dumps(document) for document in documents]
    file = tmp_path / "subject.json"
    file.write_text("\n".join(lines))
    assert imported("import_subjects", file).counts["sessions"] == {"read": 5, "created": 5}
    before = stored()
    lines[1] = json.dumps(documents[1] | {"schema_version": ["1"], "sex": "Male"})
    lines[3] = lines[3].replace('"1.0.3"', "NaN")
    file.write_text("\n".join(lines))
    report = imported("import_subjects", file, delete_missing=True)
    assert sorted(line for _, line, *_ in report.rejected) == [2, 4]
    assert stored() == before and report["missing"] == []


def test_a_document_that_contradicts_an_earlier_session_creates_no_subject(folder):
    """A folder and a file with the folder's name."""
    first = folder(FIRST, MOUSE)
    other = first.parent / f"{FIRST}.json"
    other.write_text(json.dumps(MOUSE | {"subject_id": "700001"}))
    report = imported("import_subjects", first, other)
    rejections = report["rejections"]
    assert all("is a duplicate key" in problem["message"] for row in rejections for problem in row["problems"])
    subjects, sessions = stored()
    assert len(subjects) == len(sessions) == 2 - len(rejections)
