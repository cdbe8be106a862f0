"""API of respondents and their vocabularies."""

import pytest

from census.models import Country, EducationLevel, MaritalStatus, Occupation, Race, Relationship, Workclass
from datasets import matviews
from imports.models import ImportRun, SourceFile

pytestmark = pytest.mark.django_db


def rows(client, table, **query):
    answer = client.get(f"/api/census/{table}/", query)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_a_respondent_is_returned_with_its_terms(client, django_assert_num_queries, respondent):
    person = respondent(workclass=None)
    person.save()
    rows(client, "respondents")  # the vocabularies are cached from now on
    with django_assert_num_queries(2):  # the version and the rows
        [row] = rows(client, "respondents")
    assert row == {
        "id": person.pk,
        "age": 39,
        "workclass_id": None,
        "workclass": None,
        "fnlwgt": 77516,
        "education_id": person.education_id,
        "education": "Bachelors",
        "marital_status_id": person.marital_status_id,
        "marital_status": "Never-married",
        "occupation_id": person.occupation_id,
        "occupation": "Sales",
        "relationship_id": person.relationship_id,
        "relationship": "Unmarried",
        "race_id": person.race_id,
        "race": "Other",
        "sex": "Female",
        "capital_gain": 2174,
        "capital_loss": 0,
        "hours_per_week": 40,
        "native_country_id": person.native_country_id,
        "native_country": "Peru",
        "income_over_50k": False,
        "education_years": 13,
        "created_in_run": None,
        "created_in_file": None,
        "created_line": None,
        "changed_in_run": None,
        "changed_in_file": None,
        "changed_line": None,
    }


def test_respondents_are_found_by_any_of_their_columns(client, respondent):
    respondent(age=30, workclass=None).save()
    respondent(age=50, education="HS-grad", workclass="Private", income_over_50k=True).save()

    def ages(**query):
        return [row["age"] for row in rows(client, "respondents", **query)]

    assert ages(education="Bachelors") == [30]
    assert ages(education__in="Bachelors,HS-grad") == [30, 50]
    assert ages(education_id=EducationLevel.objects.get(name="HS-grad").pk) == [50]
    assert ages(education_years__lte=9) == [50]
    assert ages(workclass__isnull="true") == [30]
    assert ages(workclass__isnull="false") == [50]
    assert ages(income_over_50k="true") == [50]
    assert ages(age__gte=31, sex="Female") == [50]
    assert ages(age__gte=31, sex="Male") == []


def test_every_vocabulary_is_read(client, respondent):
    respondent(workclass="Private").save()
    expected = {
        "workclasses": "Private",
        "education-levels": "Bachelors",
        "marital-statuses": "Never-married",
        "occupations": "Sales",
        "relationships": "Unmarried",
        "races": "Other",
        "countries": "Peru",
    }
    assert {table: rows(client, table)[0]["name"] for table in expected} == expected
    assert rows(client, "education-levels")[0]["years"] == 13


def test_income_by_education_is_read(client, respondent):
    respondent(income_over_50k=True).save()
    matviews.refresh("census")
    assert rows(client, "income-by-education") == [
        {"education": "Bachelors", "years": 13, "respondents": 1, "over_50k": 1, "share_over_50k": 1.0}
    ]


@pytest.mark.parametrize(
    ("model", "listing", "address", "own"),
    [
        (Workclass, "/api/census/workclasses/", "/api/census/workclasses/7/", {"name": "State-gov"}),
        (
            EducationLevel,
            "/api/census/education-levels/",
            "/api/census/education-levels/7/",
            {"name": "Masters", "years": 14},
        ),
        (MaritalStatus, "/api/census/marital-statuses/", "/api/census/marital-statuses/7/", {"name": "Widowed"}),
        (Occupation, "/api/census/occupations/", "/api/census/occupations/7/", {"name": "Armed-Forces"}),
        (Relationship, "/api/census/relationships/", "/api/census/relationships/7/", {"name": "Own-child"}),
        (Race, "/api/census/races/", "/api/census/races/7/", {"name": "Black"}),
        (Country, "/api/census/countries/", "/api/census/countries/7/", {"name": "Trinadad&Tobago"}),
    ],
)
def test_a_term_is_read_with_its_source_file(client, model, listing, address, own):
    run = ImportRun.objects.create(pk=3, dataset="census", status=ImportRun.Status.APPLIED)
    file = SourceFile.objects.create(
        run=run, source="respondents", name="adult.data", original_name="a", sha256="0", size=1
    )
    model.objects.create(pk=7, created_in=file, **own)
    model.objects.create(pk=9, **{**own, "name": "Another"})
    row = {"id": 7, **own, "created_in_run": 3, "created_in_file": "adult.data"}
    other = {"id": 9, **own, "name": "Another", "created_in_run": None, "created_in_file": None}
    assert client.get(listing).json() == {"next": None, "previous": None, "results": [row, other]}
    assert client.get(address).json() == row


def test_a_level_of_income_by_education_is_read(client, respondent):
    respondent(income_over_50k=True).save()
    respondent(workclass="Private").save()
    respondent(education="HS-grad").save()
    matviews.refresh("census")
    level = {"education": "Bachelors", "years": 13, "respondents": 2, "over_50k": 1, "share_over_50k": 0.5}
    other = {"education": "HS-grad", "years": 9, "respondents": 1, "over_50k": 0, "share_over_50k": 0.0}
    page = {"next": None, "previous": None, "results": [level, other]}
    assert client.get("/api/census/income-by-education/").json() == page
    assert client.get("/api/census/income-by-education/Bachelors/").json() == level
    assert client.get("/api/census/income-by-education/Doctorate/").status_code == 404
