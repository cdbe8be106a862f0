"""API of users, compounds and experiments."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission

from datasets import matviews
from experiments.models import Compound, User, UserExperiment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_users_three_experiments():
    for user_id, name in [(1, "Alice"), (2, "Bob")]:
        User.objects.create(
            user_id=user_id, name=name, email=f"{name.lower()}@example.com", signup_date=date(2023, user_id, 1)
        )
    for compound_id in (1, 2, 3):
        Compound.objects.create(compound_id=compound_id, compound_name=f"C{compound_id}", compound_structure="CO")
    for experiment_id, user_id, run_time, compounds in [(7, 1, 10, [3, 1]), (8, 1, 15, [3]), (9, 2, 0.5, [2, 1])]:
        made = UserExperiment.objects.create(experiment_id=experiment_id, user_id=user_id, experiment_run_time=run_time)
        made.compounds.set(compounds)


def rows(client, table, **query):
    answer = client.get(f"/api/experiments/{table}/", query)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_an_experiment_is_read_with_its_compounds(client, django_assert_num_queries):
    rows(client, "user-experiments")
    with django_assert_num_queries(3):  # the version, the rows, their compounds
        experiments = rows(client, "user-experiments")
    assert [
        (row["experiment_id"], row["user"], row["experiment_run_time"], row["compounds"]) for row in experiments
    ] == [
        (7, "Alice", 10.0, [1, 3]),
        (8, "Alice", 15.0, [3]),
        (9, "Bob", 0.5, [1, 2]),
    ]
    assert client.get("/api/experiments/user-experiments/7/").json() == experiments[0]


def test_experiments_are_found_by_compound_and_user(client):
    def matches(**query):
        return [row["experiment_id"] for row in rows(client, "user-experiments", **query)]

    assert matches(compounds=3) == [7, 8]
    assert matches(compounds__in="1,3") == [7, 8, 9]
    assert matches(user="Alice", experiment_run_time__gte="10.5") == [8]
    assert matches(user_id=2) == [9]


def test_addresses_are_masked_and_cannot_be_filtered_by(client):
    assert [row["email"] for row in rows(client, "users")] == ["a****@example.com", "b****@example.com"]
    assert client.get("/api/experiments/users/1/").json()["email"] == "a****@example.com"
    for parameter in ["email", "email__icontains", "email__in"]:
        answer = client.get("/api/experiments/users/", {parameter: "alice"})
        assert answer.status_code == 400
        assert "experiments.view_email" in answer.json()["errors"][parameter][0]


def test_users_with_the_permission_can_read_and_filter_addresses(client, django_user_model):
    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_email"))
    client.force_login(reader)
    assert [row["email"] for row in rows(client, "users", email="bob@example.com")] == ["bob@example.com"]


def test_features_list_the_most_common_compounds_and_document_the_rule(client):
    matviews.refresh("experiments")
    assert rows(client, "user-features") == [
        {
            "user_id": 1,
            "user": "Alice",
            "total_experiments": 2,
            "mean_run_time": 12.5,
            "most_common_compounds": [3],
        },
        {"user_id": 2, "user": "Bob", "total_experiments": 1, "mean_run_time": 0.5, "most_common_compounds": [1, 2]},
    ]
    value = client.options("/api/experiments/user-features/").json()["columns"]["most_common_compounds"]
    assert "If several tie, all of them, in ascending order" in value["help"]


def test_compounds_are_read(client):
    [compound] = rows(client, "compounds", compound_id=2)
    assert (compound["compound_name"], compound["compound_structure"]) == ("C2", "CO")


NOT_IMPORTED = {
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
            "/api/experiments/users/",
            "/api/experiments/users/4/",
            {
                "user_id": 4,
                "name": "Dora",
                "email": "d****@example.com",
                "signup_date": "2023-05-01",
                **NOT_IMPORTED,
            },
        ),
        (
            "/api/experiments/compounds/",
            "/api/experiments/compounds/4/",
            {"compound_id": 4, "compound_name": "LSD", "compound_structure": "C20H25N3O", **NOT_IMPORTED},
        ),
        (
            "/api/experiments/user-experiments/",
            "/api/experiments/user-experiments/10/",
            {
                "experiment_id": 10,
                "user_id": 4,
                "user": "Dora",
                "experiment_run_time": 2.5,
                "compounds": [2, 4],
                **NOT_IMPORTED,
            },
        ),
        (
            "/api/experiments/user-features/",
            "/api/experiments/user-features/4/",
            {
                "user_id": 4,
                "user": "Dora",
                "total_experiments": 1,
                "mean_run_time": 2.5,
                "most_common_compounds": [2, 4],
            },
        ),
    ],
)
def test_a_row_is_the_same_in_its_list_and_by_itself(client, listing, address, row):
    User.objects.create(user_id=4, name="Dora", email="dora@example.com", signup_date=date(2023, 5, 1))
    Compound.objects.create(compound_id=4, compound_name="LSD", compound_structure="C20H25N3O")
    UserExperiment.objects.create(experiment_id=10, user_id=4, experiment_run_time=2.5).compounds.set([4, 2])
    matviews.refresh("experiments")
    assert client.get(listing).json()["results"][-1] == row
    assert client.get(address).json() == row
