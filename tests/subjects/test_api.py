"""API of subjects and sessions."""

from datetime import date

import pytest

from datasets import matviews
from subjects.models import Session, Subject

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_mouse_of_one_session():
    mouse = Subject.objects.create(subject_id="438833.a", sex="Male", date_of_birth=date(2018, 12, 1))
    Session.objects.create(name="438833_2019-03-15", subject=mouse, schema_version="2.0.12", document={"notes": None})


def test_a_subject_is_read(client):
    subject = client.get("/api/subjects/subjects/438833.a/").json()
    assert {name: value for name, value in subject.items() if value is not None} == {
        "subject_id": "438833.a",
        "date_of_birth": "2018-12-01",
        "sex": "Male",
    }
    assert client.get("/api/subjects/subjects/1/").status_code == 404


def test_subjects_are_filtered_by_their_columns(client):
    def matches(**query):
        return [row["subject_id"] for row in client.get("/api/subjects/subjects/", query).json()["results"]]

    assert matches(species__isnull="true", sex="Male", date_of_birth__gte="2018-12-01") == ["438833.a"]
    assert matches(sex="Female") == []


def test_a_session_is_read_with_its_document(client):
    [session] = client.get("/api/subjects/sessions/", {"subject_id": "438833.a"}).json()["results"]
    assert (session["name"], session["subject_id"], session["schema_version"], session["document"]) == (
        "438833_2019-03-15",
        "438833.a",
        "2.0.12",
        {"notes": None},
    )


def test_subjects_by_birth_year_are_read(client):
    matviews.refresh("subjects")
    assert client.get("/api/subjects/by-birth-year/").json()["results"] == [
        {"key": "2018-Male", "year": 2018, "sex": "Male", "subjects": 1}
    ]
    assert client.get("/api/subjects/by-birth-year/2018-Male/").json()["subjects"] == 1


NOT_FROM_A_FILE = {
    "created_in_run": None,
    "created_in_file": None,
    "created_line": None,
    "changed_in_run": None,
    "changed_in_file": None,
    "changed_line": None,
}


@pytest.mark.parametrize(
    ("listing", "address", "row"),
    [
        (
            "/api/subjects/subjects/",
            "/api/subjects/subjects/500001/",
            {
                "subject_id": "500001",
                "date_of_birth": "2020-02-29",
                "species": "Mus musculus",
                "sex": "Female",
                "background_strain": "C57BL/6J",
                "genotype": "Ai14/wt; Sst-IRES-Cre/wt",
                **NOT_FROM_A_FILE,
            },
        ),
        (
            "/api/subjects/sessions/",
            "/api/subjects/sessions/7000/",
            {
                "id": 7000,
                "name": "500001_2020-06-01",
                "subject_id": "500001",
                "schema_version": None,
                "document": {"subject_id": "500001", "alleles": ["Ai14", None], "mass": {"grams": 21.5}},
                **NOT_FROM_A_FILE,
            },
        ),
        (
            "/api/subjects/by-birth-year/",
            "/api/subjects/by-birth-year/2020-Female/",
            {"key": "2020-Female", "year": 2020, "sex": "Female", "subjects": 1},
        ),
    ],
)
def test_a_row_is_the_same_in_its_list_and_by_itself(client, listing, address, row):
    mouse = Subject.objects.create(
        subject_id="500001",
        date_of_birth=date(2020, 2, 29),
        species="Mus musculus",
        sex="Female",
        background_strain="C57BL/6J",
        genotype="Ai14/wt; Sst-IRES-Cre/wt",
    )
    document = {"subject_id": "500001", "alleles": ["Ai14", None], "mass": {"grams": 21.5}}
    Session.objects.create(pk=7000, name="500001_2020-06-01", subject=mouse, document=document)
    matviews.refresh("subjects")
    assert client.get(listing).json()["results"][-1] == row
    assert client.get(address).json() == row
