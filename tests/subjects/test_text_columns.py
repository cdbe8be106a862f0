"""Text columns accept texts and whole numbers of a document, and no other JSON value."""

import json

import pytest

from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]

NAME, OTHER = "ecephys_615310_2023-01-26_10-45-12", "behavior_700001_2023-02-02_21-58-54"
MOUSE = {"schema_version": "1.0.3", "subject_id": "615310", "sex": "Female"}
KINDS = {
    "true": "true or false",
    "false": "true or false",
    "[]": "a list",
    '["x"]': "a list",
    "1.5": "a number with decimals",
    "1.0": "a number with decimals",
    "0.1234567890123456789": "a number with decimals",
}
FIELDS = {
    "subject_id": "subject_id",
    "genotype": "genotype",
    "schema_version": "schema_version",
    "species": "species",
    "background_strain": "background_strain",
    "strain": "background_strain",
}


def spelled(field, json_text):
    """The document with a field that has this JSON value."""
    return json.dumps(MOUSE | {field: "VALUE"}).replace('"VALUE"', json_text)


@pytest.mark.parametrize("field", FIELDS)
def test_a_json_value_that_is_not_a_text_is_rejected(folder, field):
    for place, text in enumerate(KINDS):
        everything = folder(f"{field}{place}_1", spelled(field, text)).parent
    folder(OTHER, MOUSE | {"subject_id": "700001"})
    report = imported("import_subjects", everything)
    problems = {r["file"]: r["problems"][0] for r in report["rejections"]}
    for place, (text, kind) in enumerate(KINDS.items()):
        problem = problems[f"{field}{place}_1"]
        assert (problem["column"], problem["value"]) == (FIELDS[field], text)
        assert f"is {kind}: expected text of at most" in problem["message"]
        assert "or a whole number" in problem["message"]
    assert list(Subject.objects.values_list("pk", flat=True)) == ["700001"]
    assert list(Session.objects.values_list("name", flat=True)) == [OTHER]


@pytest.mark.parametrize("field, wrap", [("genotype", '{"a": 1}'), ("subject_id", '{"name": "1"}')])
def test_an_object_for_a_text_is_rejected(folder, field, wrap):
    report = imported("import_subjects", folder(NAME, spelled(field, wrap)))
    assert report.rejected == [(NAME, 1, field)] and not Session.objects.exists()


@pytest.mark.parametrize("inside", ["species", "background_strain", "strain"])
@pytest.mark.parametrize("value", ["false", "true", "0.5"])
def test_a_name_in_an_object_is_a_text_too(folder, inside, value):
    report = imported("import_subjects", folder(NAME, spelled(inside, f'{{"name": {value}}}')))
    assert report.rejected == [(NAME, 1, FIELDS[inside])] and not Subject.objects.exists()


@pytest.mark.parametrize("details", ["false", "0", "[]"])
def test_details_that_are_no_object_are_rejected(folder, details):
    report = imported("import_subjects", folder(NAME, spelled("subject_details", details)))
    assert "subject_details that are not an object" in report["rejections"][0]["problems"][0]["message"]


@pytest.mark.parametrize(
    "spelling, stored", [("615310", "615310"), ("1e3", "1000"), ("0", "0"), ("12345678901234567890123", None)]
)
def test_a_whole_number_is_its_digits(folder, spelling, stored):
    stored = stored or spelling
    for field in ("subject_id", "genotype"):
        imported("import_subjects", folder(NAME, spelled(field, spelling)))
        assert stored in Subject.objects.values_list(field, flat=True)
    assert imported("import_subjects", folder(NAME, spelled("genotype", spelling))).counts["sessions"] == {
        "read": 1,
        "unchanged": 1,
    }
