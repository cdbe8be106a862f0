"""The copy gives the same answers as the database: to summaries, charts, facets, profiles and counts."""

import random
from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.http import QueryDict

from census.models import Respondent
from datasets.records.aggregation import groupings, measures, summarise
from datasets.records.distribution import distribution
from datasets.sql.query_timeout import limited
from experiments.models import User, UserExperiment
from explore.charts import Drawing, draw
from explore.version_cache import VersionCache
from people.models import Person
from tests.analytics.records import records_of, same

pytestmark = pytest.mark.django_db


FILTERS = {
    Respondent: {
        "age__gte": lambda draws: draws.randint(0, 150),
        "age__in": lambda draws: ",".join(map(str, draws.sample(range(151), 20))),
        "workclass__isnull": lambda draws: draws.choice(["true", "false"]),
        "workclass__in": lambda draws: ",".join(draws.sample(["Private", "private sector", "Ämter"], 2)),
        "workclass__istartswith": lambda draws: draws.choice(["PRIV", "ä", "Ä"]),
        "native_country__icontains": lambda draws: draws.choice(["ú", "Σίς", "i", "ss", "ß", "%_", "\\", ",", "O"]),
        "native_country": lambda draws: draws.choice(["Perú", "σίσυφος"]),
        "native_country__in": lambda draws: '"Korea, Republic of",Perú',
        "sex": lambda draws: draws.choice(["Female", "Male"]),
        "income_over_50k": lambda draws: draws.choice(["true", "false"]),
        "corrected": lambda draws: draws.choice(["true", "false"]),
        "capital_gain__lte": lambda draws: draws.choice([0, 9_223_372_036_854_775_807]),
        "education_years__gte": lambda draws: 10,
        "search": lambda draws: draws.choice(["per", "sis priv", "σισ", '"korea, r"']),
        "id__gte": lambda draws: 1,
        "created_line__isnull": lambda draws: "true",
    },
    Person: {
        "given_name__icontains": lambda draws: draws.choice(["é", "K", "ſ", "S", "'"]),
        "family_name__istartswith": lambda draws: draws.choice(["k", "Ω", "éa", "ß"]),
        "date_of_birth__gte": lambda draws: f"{draws.randint(1000, 2000)}-02-28",
        "date_of_birth__lte": lambda draws: f"{draws.randint(1500, 2000)}-12-31",
        "country_of_birth": lambda draws: draws.choice("AB"),
        "county_of_birth__in": lambda draws: "aÉ,李",
        "search": lambda draws: draws.choice(["k", "o'n", "ω a"]),
    },
    UserExperiment: {
        "experiment_run_time__gte": lambda draws: draws.choice(["0.1", "1e-7", "3"]),
        "experiment_run_time__lte": lambda draws: draws.choice(["0.1", "1e12"]),
        "user": lambda draws: draws.choice(["N1", "N2"]),
        "user_id__in": lambda draws: "1,2",
    },
}
GROUPINGS = {
    Respondent: [
        "education",
        "native_country",
        "workclass",
        "sex",
        "age:10",
        "age:7",
        "income_over_50k",
        "education_years",
    ],
    Person: ["date_of_birth:year", "date_of_birth:month", "given_name", "country_of_birth", "place_of_birth"],
    UserExperiment: ["user", "user_id", "experiment_run_time:0.1", "experiment_run_time:1000"],
}
MEASURES = {
    Respondent: [
        "count", "sum:fnlwgt", "mean:fnlwgt", "median:age", "min:age", "max:native_country", "sum:income_over_50k",
        "mean:income_over_50k", "min:native_country", "mean:age", "median:capital_gain",
    ],
    Person: ["count", "min:date_of_birth", "max:given_name", "max:date_of_birth", "min:family_name"],
    UserExperiment: ["count", "sum:experiment_run_time", "mean:experiment_run_time", "median:experiment_run_time"],
}  # fmt: skip


def test_random_summaries_are_equal(copied, both, admin_user):
    draws = random.Random(connection.vendor)
    for n in range(90):
        model = [Respondent, Respondent, Person, UserExperiment][n % 4]
        names = draws.sample(list(FILTERS[model]), draws.randint(0, 3))
        query = QueryDict(mutable=True)
        query.update({name: str(FILTERS[model][name](draws)) for name in names})
        by = groupings(model, draws.sample(GROUPINGS[model], draws.randint(0, 2)), admin_user)
        measured = measures(model, draws.sample(MEASURES[model], draws.randint(1, 4)), admin_user)
        every = [*(part.name for part in by), *(part.name for part in measured)]
        order = [draws.choice(["", "-"]) + name for name in draws.sample(every, draws.randint(0, len(every)))]
        if any(name.partition(":")[0].lstrip("-") in ("mean", "sum", "median") for name in order):
            order = []  # values that differ in their last digit have no common order
        limit = draws.choice([None, 3, 1000])
        records = records_of(model, query.urlencode(), admin_user)
        try:
            str(records.query)
        except EmptyResultSet:
            continue  # neither the database nor the copy is asked
        question = lambda: summarise(records, by, measured, order, limit)  # noqa: B023, E731
        one, other = both(question)
        assert same([one.names, one.rows, one.truncated], [other.names, other.rows, other.truncated]), (
            query, order, one.rows[:5], other.rows[:5],
        )  # fmt: skip


DRAWINGS = [
    (Respondent, Drawing("bar", x="native_country", measure="mean:hours_per_week", colour="sex")),
    (Respondent, Drawing("bar", x="native_country", measure="mean:age", weight="fnlwgt")),
    (Respondent, Drawing("bar", x="education", measure="share:income_over_50k", weight="fnlwgt")),
    (Respondent, Drawing("bar", x="workclass", measure="sum:capital_gain", sort="education_years")),
    (Respondent, Drawing("box", x="native_country", y="age", colour="sex")),
    (Respondent, Drawing("histogram", x="age", colour="workclass")),
    (Respondent, Drawing("heat", x="native_country", y="education", measure="median:age")),
    (Person, Drawing("line", x="date_of_birth")),
    (Person, Drawing("bar", x="family_name")),
    (UserExperiment, Drawing("histogram", x="experiment_run_time")),
]


@pytest.mark.parametrize(("model", "drawing"), DRAWINGS, ids=lambda value: getattr(value, "kind", None))
def test_charts_are_equal(copied, both, admin_user, model, drawing):
    one, other = both(lambda: draw(model, model.objects.all(), drawing, admin_user))
    # The squared error of a weighted mean is a difference of sums: its digits are those of its terms.
    rounded = [
        [[float(f"{v:.9g}") if isinstance(v, float) else v for v in row] for row in c.rows] for c in (one, other)
    ]
    assert rounded[0] == rounded[1] and one.subtitle == other.subtitle


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Respondent, "age"), (Respondent, "native_country"), (Respondent, "workclass"), (Respondent, "income_over_50k"),
        (Person, "date_of_birth"), (Person, "family_name"), (UserExperiment, "experiment_run_time"),
    ],
)  # fmt: skip
def test_distributions_are_equal(copied, both, admin_user, model, name):
    [grouping] = groupings(model, [name], admin_user)
    for records in (model.objects.all(), model.objects.filter(pk__gte=17)):
        one, other = both(lambda: distribution(records, grouping))  # noqa: B023
        assert replace(one, counts=None) == other  # the copy counts the bins of a histogram by another question


def test_pages_of_explore_show_the_same_counts(copied, copies, asked, admin_client, monkeypatch):
    monkeypatch.setattr(VersionCache, "get", lambda self, state, about, make, *filters: make())
    shown = {}
    for used in (False, True):
        for address in (
            "census/respondents/counts?native_country__icontains=i",
            "census/respondents/counts?workclass__in=Private",
            "census/respondents/columns/capital_gain/profile?sex=Male",
            "people/people/columns/date_of_birth/histogram",
            "experiments/user-experiments/columns/experiment_run_time/profile",
        ):
            with copies.used() if used else limited(0):
                answer = admin_client.get(f"/explore/{address}")
            assert answer.status_code == 200
            shown.setdefault(address, set()).add(answer.text)
    assert all(len(texts) == 1 for texts in shown.values()), shown
    assert set(asked) == {"respondents", "people", "user_experiments"}


def test_counts_of_a_large_list_are_exact_with_a_copy(copied, copies, admin_client, monkeypatch):
    for name in ("COUNTED", "EXACT"):
        monkeypatch.setattr(f"datasets.records.pagination.{name}", 100)
        monkeypatch.setattr(f"datasets.records.facets.{name}", 100)
    address = "/explore/census/respondents/counts?age__gte=0"
    assert "100+" in admin_client.get(address).text
    with copies.used():
        counted, number = admin_client.get(address).text, admin_client.get(address.replace("counts", "count")).text
    women = Respondent.objects.filter(sex="Female").count()
    assert "100+" not in counted.partition("compounds")[0] and f">{women:,}<" in counted and number == "3,000"


def test_the_database_answers_what_the_copy_does_not_have(copied, copies, asked, admin_user):
    """Personal data, lists, subqueries, records selected by keys, and a version that is not the current one."""
    users, experiments = User.objects.all(), UserExperiment.objects.all()
    [email] = measures(User, ["min:email"], admin_user)
    count = measures(User, ["count"], admin_user)
    with copies.used():
        assert summarise(users, [], [email]).rows == [("n1@example.org",)]
        for records, number in [
            (records_of(User, "email__icontains=N1@", admin_user), 1),
            (records_of(UserExperiment, "compounds=1", admin_user), 1),
            (experiments.filter(pk__in=[1, 2]), 2),
            (experiments.filter(user__in=User.objects.filter(pk=1)), experiments.filter(user=1).count()),
            (experiments.filter(experiment_run_time__gt=1e12), 0),
            (Person.objects.filter(date_of_birth__year=1), 0),
        ]:
            assert summarise(records, [], count).rows == [(number,)]
        assert not asked
        assert summarise(users, [], count).rows == [(2,)] and asked == ["users"]
        UserExperiment.objects.filter(pk=1).delete()
        assert summarise(experiments, [], count).rows == [(299,)] and asked == ["users"]


def test_only_the_permission_shows_personal_data_and_no_file_has_any(copied, copies, django_user_model, client):
    member = django_user_model.objects.create_user("member")
    member.user_permissions.add(Permission.objects.get(codename="view_user", content_type__app_label="experiments"))
    client.force_login(member)
    address = "/api/experiments/users/summary/?by=email"
    with copies.used():
        assert client.get(address).status_code == 400
        member.user_permissions.add(Permission.objects.get(codename="view_email"))
        assert len(client.get(address).json()["results"]) == 2
    for path in copies.files("experiments"):
        assert b"example.org" not in path.read_bytes()
