"""The profile of a column: figures that agree with numpy, bars that filter, and the permissions that it needs."""

import re
from datetime import date
from html import unescape

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from census.models import Respondent
from datasets.models import Version
from experiments.models import UserExperiment
from people.models import Person
from tests.explore.conftest import plain

pytestmark = pytest.mark.django_db
POINTS = ("Minimum", "Lower quartile", "Median", "Upper quartile", "Maximum")


def facts(page):
    """Return the figures of a profile by name, without their shares."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    return {name: plain(value).partition(" (")[0].replace(",", "") for name, value in pairs}


def bars(page):
    """Return the label, the number of records and the address of each bar."""
    drawn = re.findall(r'<a href="([^"]*)" aria-label="(.*?): ([\d,]+) records', page)
    listed = re.findall(r'<li><a href="([^"]*)">(.*?)</a> <span class="count">([\d,]+)', page)
    return [
        (unescape(label), int(count.replace(",", "")), unescape(address)) for address, label, count in drawn + listed
    ]


def part(reader, table, column, query=""):
    answer = reader.get(f"/explore/{table}/columns/{column}/profile{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def counted(reader, address):
    """Return the number of records that the page at *address* shows."""
    answer = reader.get(address)
    assert answer.status_code == 200, answer.text
    return int(re.search(r'class="explore-count" role="status">([\d,]+)<', answer.text)[1].replace(",", ""))


def test_figures_agree_with_numpy_on_the_sample_data(reader, transactional_db):
    call_command("import_sources", verbosity=0)
    for table, column, values in [
        ("census/respondents", "age", Respondent.objects.values_list("age", flat=True)),
        ("census/respondents", "fnlwgt", Respondent.objects.values_list("fnlwgt", flat=True)),
        (
            "experiments/user-experiments",
            "experiment_run_time",
            UserExperiment.objects.values_list("experiment_run_time", flat=True),
        ),
    ]:
        page = part(reader, table, column)
        values = np.array([value for value in values if value is not None])
        expected = [values.min(), *np.quantile(values, [0.25, 0.5, 0.75]), values.max()]
        assert [float(facts(page)[name]) for name in POINTS] == pytest.approx(expected, rel=1e-5)
        assert facts(page)["Distinct"] == str(len(np.unique(values)))
        assert sum(count for _, count, _ in bars(page)) == len(values)
    days = np.array([day.toordinal() for day in Person.objects.values_list("date_of_birth", flat=True)])
    page = part(reader, "people/people", "date_of_birth")
    expected = [days.min(), *np.quantile(days, [0.25, 0.5, 0.75], method="lower"), days.max()]
    assert [date.fromisoformat(facts(page)[name]).toordinal() for name in POINTS] == expected
    page = part(reader, "census/respondents", "workclass", "?sex=Male")
    names = Respondent.objects.filter(sex="Male").values_list("workclass__name", flat=True)
    terms, numbers = np.unique([name for name in names if name], return_counts=True)
    assert sorted((count, label) for label, count, _ in bars(page)) == sorted(zip(numbers, terms, strict=True))
    assert facts(page)["Missing"] == str(len(names) - sum(numbers))


def test_each_bar_selects_as_many_records_as_it_shows(reader, people, experiments, respondents):
    for number in range(40):
        UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=number / 10)
    for table, column, query in [
        ("census/respondents", "age", "?sex=Male"),
        ("census/respondents", "education", "?age__gte=30"),
        ("census/respondents", "income_over_50k", ""),
        ("people/people", "date_of_birth", "?search=mac"),
        ("people/people", "place_of_birth", ""),
        ("experiments/user-experiments", "experiment_run_time", ""),
        ("experiments/users", "signup_date", ""),
    ]:
        drawn = bars(part(reader, table, column, query))
        assert drawn, column
        for label, count, address in drawn:
            assert counted(reader, address) == count, (column, label)
    page = part(reader, "census/respondents", "workclass", "?workclass=Private&age__gte=50")
    assert bars(page)[0][2] == "/explore/census/respondents/?workclass=Private&age__gte=50"
    assert 'href="/explore/census/respondents/?' not in page.partition("Distinct")[0]  # no record is missing
    page = part(reader, "census/respondents", "workclass", "?age__gte=50")
    missing = unescape(re.search(r'<dd><a href="([^"]*)"', page)[1])
    assert missing == "/explore/census/respondents/?age__gte=50&workclass__isnull=true"
    assert counted(reader, missing) == 1 and facts(page)["Missing"] == "1"


def test_a_profile_and_a_histogram_read_the_table_once_unless_there_are_many_values(
    reader, people, experiments, respondents, monkeypatch
):
    """With many values, a second query counts the records of each bin, or finds the most frequent values."""

    def drawn(table, column, kind):
        Version.objects.update(number=F("number") + 1)  # results of earlier versions are not used
        with CaptureQueriesContext(connection) as captured:
            page = reader.get(f"/explore/{table}/columns/{column}/{kind}").text
        of_column = re.compile(rf'"{table.split("/")[1].replace("-", "_")}"."{column}(_id)?"')
        queries = [query["sql"] for query in captured if of_column.search(query["sql"])]
        return len([sql for sql in queries if "LIMIT 10000" not in sql]), page

    columns = [
        (table, column, kind)
        for table, column, kinds in [
            ("census/respondents", "fnlwgt", ("profile", "histogram")),
            ("people/people", "date_of_birth", ("profile", "histogram")),
            ("experiments/user-experiments", "experiment_run_time", ("profile", "histogram")),
            ("census/respondents", "education", ("profile",)),
            ("census/respondents", "sex", ("profile",)),
        ]
        for kind in kinds
    ]
    monkeypatch.setattr("explore.column_profile.FREQUENT", 1)
    few = [drawn(*each) for each in columns]
    assert [queries for queries, _ in few] == [1] * len(columns)
    monkeypatch.setattr("datasets.records.distribution.LISTED", 0)
    monkeypatch.setattr("explore.column_profile.COUNTED", 1)
    assert [drawn(*each) for each in columns] == [(2, page) for _, page in few]


def test_an_empty_list_and_a_column_of_keys_have_a_profile(reader, people):
    page = part(reader, "people/people", "date_of_birth", "?search=nobody")
    assert facts(page) == {"Missing": "0", "Distinct": "0"} and bars(page) == []
    page = part(reader, "people/people", "id")
    assert facts(page)["Distinct"] == "6" and bars(page) == []


@pytest.mark.only_on("sqlite")
def test_the_menu_has_the_part_and_the_page_works_without_a_script(reader, people):
    page = reader.page("people/people/?search=mac&ordering=id")
    [link] = re.findall(r'<a href="([^"]*)" id="profile-date_of_birth" hx-get="([^"]*)"', page)
    assert link == (
        "/explore/people/people/columns/date_of_birth/?search=mac",
        "/explore/people/people/columns/date_of_birth/profile?search=mac",
    )
    whole = reader.page("people/people/columns/date_of_birth/?search=mac")
    part = facts(reader.get(link[1]).text)
    assert part and part.items() <= facts(whole).items() and 'id="explore-form"' in whole
    assert 'href="/explore/people/people/?search=mac">Back to the table' in whole
    assert not re.search(r"\sstyle=|<script(?![^>]*src=)", whole)


def test_an_unchanged_profile_is_neither_computed_nor_sent_again(reader, people):
    address = "/explore/people/people/columns/family_name/profile"
    first = reader.get(address)
    with CaptureQueriesContext(connection) as captured:
        again = reader.get(address, headers={"If-None-Match": first["ETag"]})
        assert again.status_code == 304
        reader.page("people/people/columns/family_name/")
    assert not [query["sql"] for query in captured if "counts" in query["sql"]]
    Person.objects.last().delete()
    changed = reader.get(address, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200 and changed.text != first.text


@pytest.mark.only_on("sqlite")
def test_personal_data_and_documents_have_no_profile(signed_in, experiments):
    analyst, curator = signed_in("Analysts"), signed_in("Curators", name="grace")
    users = "/explore/experiments/users/columns"
    for address in (f"{users}/email/", f"{users}/email/profile"):
        answer = analyst.get(address)
        assert answer.status_code == 403 and "experiments.view_email" in answer.text
        assert "example" not in answer.text and "****" not in answer.text
        assert "alice@example.com" in curator.get(address).text
    assert 'id="profile-email"' not in analyst.page("experiments/users/")
    assert analyst.get(f"{users}/name/profile?email__icontains=alice").status_code == 400
    answer = analyst.get(f"{users}/nam/")
    assert answer.status_code == 404 and "Did you mean name?" in answer.text
    assert analyst.get("/explore/experiments/user-experiments/columns/compounds/profile").status_code == 404


def test_a_profile_that_takes_too_long_is_reported_with_a_remedy(reader, people, monkeypatch):
    monkeypatch.setattr("explore.column_profile.slow_seconds", lambda: -1)  # no query has any time left
    answer = reader.get("/explore/people/people/columns/family_name/profile?search=mac&id__gte=1")
    assert answer.status_code == 400 and "Add filters." in answer.text
    assert "Add filters." in reader.page("people/people/columns/family_name/?search=mac&id__gte=1", status=400)
