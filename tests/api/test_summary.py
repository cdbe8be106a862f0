"""Summaries over HTTP: groups and measures, compared with manual sums; the same on both engines."""

import csv
import io
from datetime import date
from statistics import fmean, median

import pytest
from django.contrib.auth.models import Permission

from api.router import router
from census.models import Country, EducationLevel, MaritalStatus, Race, Relationship, Respondent
from datasets import matviews
from datasets.versions import raise_version
from experiments.models import User, UserExperiment
from people.models import Person, Place
from subjects.models import Subject

pytestmark = pytest.mark.django_db

TABLES = {
    f"/api/{table}/summary/"
    for table in [
        "census/respondents",
        "census/income-by-education",
        "census/workclasses",
        "census/education-levels",
        "census/marital-statuses",
        "census/occupations",
        "census/relationships",
        "census/races",
        "census/countries",
        "experiments/users",
        "experiments/compounds",
        "experiments/user-experiments",
        "experiments/user-features",
        "people/places",
        "people/people",
        "people/births-by-country",
        "subjects/subjects",
        "subjects/sessions",
        "subjects/by-birth-year",
    ]
}
RESPONDENTS = "/api/census/respondents/summary/"
# age, sex, education, country, hours, income
ROWS = [
    (25, "Female", "Masters", "Peru", 40, True),
    (29, "Male", "HS-grad", None, 38, False),
    (30, "Male", "HS-grad", "Peru", 45, False),
    (31, "Female", "HS-grad", "Haiti", 20, True),
    (39, "Male", "Masters", None, 50, True),
    (40, "Female", "Doctorate", "Peru", 60, True),
]


@pytest.fixture
def respondents():
    years = {"HS-grad": 9, "Masters": 14, "Doctorate": 14}
    levels = {name: EducationLevel.objects.create(name=name, years=years[name]) for name in years}
    countries = {name: Country.objects.create(name=name) for name in ["Peru", "Haiti"]} | {None: None}
    rest = {
        "marital_status": MaritalStatus.objects.create(name="Divorced"),
        "relationship": Relationship.objects.create(name="Unmarried"),
        "race": Race.objects.create(name="Other"),
        "fnlwgt": 1,
        "capital_gain": 0,
        "capital_loss": 0,
    }
    for age, sex, education, country, hours, over in ROWS:
        Respondent.objects.create(
            age=age,
            sex=sex,
            education=levels[education],
            native_country=countries[country],
            hours_per_week=hours,
            income_over_50k=over,
            **rest,
        )


def summary(client, query, address=RESPONDENTS):
    answer = client.get(f"{address}?{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert all(list(row) == body["columns"] for row in body["results"])
    return [tuple(row.values()) for row in body["results"]]


def test_every_table_can_be_counted(client):
    for address in TABLES:
        assert client.get(address).json() == {"columns": ["count"], "truncated": False, "results": [{"count": 0}]}
    assert {f"/api/{prefix}/summary/" for prefix, viewset, _ in router.registry if hasattr(viewset, "model")} >= TABLES


def test_groups_have_names_and_measures(client, respondents):
    hours = {name: [row[4] for row in ROWS if row[2] == name] for name in ["Doctorate", "HS-grad", "Masters"]}
    rows = summary(client, "by=education&measure=mean:hours_per_week&measure=sum:hours_per_week&measure=count")
    assert rows == [(name, fmean(h), sum(h), len(h)) for name, h in hours.items()]
    assert [type(value) for value in rows[0]] == [str, float, int, int]
    rows = summary(client, "by=education&measure=median:hours_per_week,min:hours_per_week,max:hours_per_week")
    assert rows == [(name, float(median(h)), min(h), max(h)) for name, h in hours.items()]


def test_groups_of_several_columns_and_of_none(client, respondents):
    assert summary(client, "by=sex&by=income_over_50k") == summary(client, "by=sex,income_over_50k")
    assert summary(client, "by=sex,income_over_50k") == [("Female", True, 3), ("Male", False, 2), ("Male", True, 1)]
    assert summary(client, "measure=mean:age,median:age") == [(fmean(row[0] for row in ROWS), 30.5)]
    assert summary(client, "age=1&measure=count,mean:age,median:age,sum:age,min:sex") == [(0, None, None, None, None)]
    assert summary(client, "age=1&by=sex&measure=median:age") == []


def test_records_without_a_value_are_the_last_group(client, respondents):
    assert summary(client, "by=native_country") == [("Haiti", 1), ("Peru", 3), (None, 2)]
    assert summary(client, "by=native_country&ordering=-native_country") == [("Peru", 3), ("Haiti", 1), (None, 2)]
    assert summary(client, "by=native_country,sex&measure=median:age&sex=Male") == [
        ("Peru", "Male", 30.0),
        (None, "Male", 34.0),
    ]


def test_numbers_are_grouped_in_bins_and_booleans_as_shares(client, respondents):
    assert summary(client, "by=age:10&measure=mean:income_over_50k,sum:income_over_50k") == [
        (20, 0.5, 1),
        (30, 2 / 3, 2),
        (40, 1.0, 1),
    ]


def test_columns_of_related_records_can_group_records(client, respondents):
    assert summary(client, "by=education_years") == [(9, 3), (14, 3)]  # two levels have 14 years
    assert [count for _, count in summary(client, "by=education_id")] == [3, 2, 1]


def test_filters_are_those_of_the_list(client, respondents):
    assert summary(client, "by=sex&age__gte=30&native_country=Peru") == [("Female", 1), ("Male", 1)]


def test_groups_are_sorted_by_measures_and_limited(client, respondents):
    assert summary(client, "by=education&ordering=-count") == [("HS-grad", 3), ("Masters", 2), ("Doctorate", 1)]
    assert summary(client, "by=sex&ordering=-median:age&measure=median:age") == [("Female", 31.0), ("Male", 30.0)]
    assert summary(client, "by=sex&ordering=count") == [("Female", 3), ("Male", 3)]  # as many: by name
    body = client.get(f"{RESPONDENTS}?by=education&ordering=-count&limit=2").json()
    assert body["truncated"] is True and len(body["results"]) == 2
    assert client.get(f"{RESPONDENTS}?by=education&limit=3").json()["truncated"] is False


def test_a_file_is_not_truncated_without_a_limit(client):
    for n in range(1001):
        Subject.objects.create(subject_id=f"S{n}")
    address = "/api/subjects/subjects/summary/?by=subject_id"
    assert client.get(address).json()["truncated"] is True
    refused = client.get(f"{address}&format=csv")
    assert refused.status_code == 400
    assert "Set limit (at most 10000), or add filters." in refused.json()["errors"]["limit"][0]
    assert len(client.get(f"{address}&format=csv&limit=2000").text.splitlines()) == 1002
    assert len(client.get(f"{address}&format=csv&limit=10").text.splitlines()) == 11


def test_csv_is_exact(client, respondents):
    address = f"{RESPONDENTS}?by=native_country,income_over_50k&measure=mean:hours_per_week"
    answer = client.get(address, headers={"accept": "text/csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows == [
        ["native_country", "income_over_50k", "mean:hours_per_week"],
        ["Haiti", "true", "20.0"],
        ["Peru", "false", "45.0"],
        ["Peru", "true", "50.0"],
        ["", "false", "38.0"],
        ["", "true", "50.0"],
    ]


def test_dates_by_year_and_month(client):
    place = Place.objects.create(city="Ghent", county="East Flanders", country="Belgium")
    for born in [date(985, 5, 1), date(1985, 5, 1), date(1985, 5, 31), date(1985, 12, 31)]:
        Person.objects.create(given_name="Ann", family_name="Bo", date_of_birth=born, place_of_birth=place)
    address = "/api/people/people/summary/"
    assert summary(client, "by=date_of_birth:year", address) == [(985, 1), (1985, 3)]
    assert summary(client, "by=date_of_birth:month", address) == [("0985-05", 1), ("1985-05", 2), ("1985-12", 1)]
    assert summary(client, "by=date_of_birth&date_of_birth__gte=1985-12-01", address) == [("1985-12-31", 1)]
    assert summary(client, "by=country_of_birth&measure=max:date_of_birth", address) == [("Belgium", "1985-12-31")]


@pytest.fixture
def users():
    for n, name in enumerate(["alice", "Émile", "Zoe", "alice"], 1):
        User.objects.create(user_id=n, name=name, email=f"{n}@example.com", signup_date=date(2023, 5, n))
    for n, (user, run_time) in enumerate([(1, 2.25), (1, 2.5), (2, -0.0), (4, 7.75)], 1):
        UserExperiment.objects.create(experiment_id=n, user_id=user, experiment_run_time=run_time)
    matviews.refresh("experiments")


def test_the_average_number_of_experiments_per_user(client, users):
    address = "/api/experiments/user-features/summary/"
    assert summary(client, "measure=mean:total_experiments", address) == [(1.0,)]
    assert summary(client, "by=total_experiments", address) == [(0, 1), (1, 2), (2, 1)]


def test_texts_are_sorted_alike_on_both_engines_and_equal_names_are_one_group(client, users):
    address = "/api/experiments/user-experiments/summary/"
    assert summary(client, "by=user", address) == [("alice", 3), ("Émile", 1)]
    assert summary(client, "by=user_id", address) == [(1, 2), (2, 1), (4, 1)]
    assert summary(client, "measure=min:name,max:name", "/api/experiments/users/summary/") == [("Zoe", "Émile")]


def test_fractions_in_bins(client, users):
    address = "/api/experiments/user-experiments/summary/"
    assert summary(client, "by=experiment_run_time:2.5", address) == [(0.0, 2), (2.5, 1), (7.5, 1)]
    assert [start for start, _ in summary(client, "by=experiment_run_time:0.1", address)] == [0.0, 2.2, 2.5, 7.7]
    UserExperiment.objects.create(experiment_id=9, user_id=1, experiment_run_time=1e300)
    assert summary(client, "by=experiment_run_time:10&ordering=-experiment_run_time:10&limit=1", address)[0][1] == 1


def test_bins_can_be_negative(client):
    for n in (-11, -10, -1, 0, 9):
        User.objects.create(user_id=n, name="U", email="u@example.com", signup_date=date(2023, 5, 1))
        UserExperiment.objects.create(experiment_id=n, user_id=n, experiment_run_time=1)
    matviews.refresh("experiments")
    rows = summary(client, "by=user_id&measure=min:user_id", "/api/experiments/user-experiments/summary/")
    assert rows == [(n, n) for n in (-11, -10, -1, 0, 9)]


def test_personal_data_cannot_be_grouped_or_measured(client, users, django_user_model):
    address = "/api/experiments/users/summary/"
    for query, parameter in [("by=email", "by"), ("measure=min:email", "measure"), ("measure=max:email", "measure")]:
        answer = client.get(f"{address}?{query}")
        assert answer.status_code == 400
        assert "experiments.view_email" in answer.json()["errors"][parameter][0]
    assert client.get(f"{address}?email=1@example.com").status_code == 400
    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_email"))
    client.force_login(reader)
    assert summary(client, "by=email&limit=1&measure=max:email", address) == [("1@example.com", "1@example.com")]


def test_a_summary_is_not_modified_until_the_data_change(client, respondents):
    first = client.get(f"{RESPONDENTS}?by=sex")
    headers = {"if-none-match": first["ETag"]}
    again = client.get(f"{RESPONDENTS}?by=sex", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{RESPONDENTS}?by=age", headers=headers).status_code == 200
    assert client.get(f"{RESPONDENTS}?by=sex&format=csv", headers=headers).status_code == 200
    raise_version("census")
    assert client.get(f"{RESPONDENTS}?by=sex", headers=headers).status_code == 200


def test_one_query_for_the_version_and_one_for_the_groups(client, respondents, django_assert_num_queries):
    with django_assert_num_queries(2):
        summary(client, "by=education,native_country&measure=mean:age,median:age")


def test_a_record_whose_key_is_summary_is_found_in_its_list(client):
    Subject.objects.create(subject_id="summary")
    assert client.get("/api/subjects/subjects/summary/").json()["columns"] == ["count"]
    [subject] = client.get("/api/subjects/subjects/?subject_id=summary").json()["results"]
    assert subject["subject_id"] == "summary"
