"""Import of users, compounds and experiments by the command."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from experiments.models import Compound, User, UserExperiment, UserFeatures
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

FILES = {
    "users.csv": "\nuser_id,\tname,\temail,\tsignup_date\n1,\tAda,\tada@example.com,\t2023-01-01\n"
    "2,\tBen,\tben@example.com,\t2023-02-01\n3,\tCem,\tcem@example.com,\t2023-03-01",
    "compounds.csv": "compound_id,\tcompound_name,\tcompound_structure\n2,\tB,\tCO2\n3,\tC,\tH2O\n10,\tJ,\tNaCl",
    "user_experiments.csv": "experiment_id,\tuser_id,\texperiment_compound_ids,\texperiment_run_time\n"
    "1,\t1,\t10;2,\t10\n2,\t1,\t3;2,\t15\n3,\t2,\t10;3;2,\t7.5",
}
HEADER = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with the three files, in the format of the received files."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def experiment_rows(folder):
    """A function that imports rows of experiments, with the existing users and compounds."""

    def run(rows, **options):
        (folder / "user_experiments.csv").write_text(HEADER + rows, encoding="utf-8")
        return imported("import_experiments", folder, **options)

    return run


def experiments():
    """Return each experiment with its user, run time and compounds."""
    return [
        (e.experiment_id, e.user_id, e.experiment_run_time, sorted(c.pk for c in e.compounds.all()))
        for e in UserExperiment.objects.order_by("pk").prefetch_related("compounds")
    ]


def features():
    return list(UserFeatures.objects.order_by("user_id").values_list())


def test_import_creates_users_compounds_and_experiments(folder):
    assert imported("import_experiments", folder).counts == {
        "users": {"read": 3, "created": 3},
        "compounds": {"read": 3, "created": 3},
        "user_experiments": {"read": 3, "created": 3},
    }
    assert User.objects.order_by("pk").values_list("user_id", "name", "email", "signup_date")[1] == (
        2,
        "Ben",
        "ben@example.com",
        date(2023, 2, 1),
    )
    assert list(Compound.objects.order_by("pk").values_list("compound_id", "compound_name", "compound_structure")) == [
        (2, "B", "CO2"),
        (3, "C", "H2O"),
        (10, "J", "NaCl"),
    ]
    assert experiments() == [(1, 1, 10, [2, 10]), (2, 1, 15, [2, 3]), (3, 2, 7.5, [2, 3, 10])]


def test_features_list_all_ties_with_the_lowest_id_first_after_an_import(folder):
    imported("import_experiments", folder)
    assert features() == [(1, 2, 12.5, "2"), (2, 1, 7.5, "2;3;10"), (3, 0, None, None)]
    assert User.objects.mean_experiments() == 1


def test_importing_again_changes_nothing(folder):
    imported("import_experiments", folder)
    assert imported("import_experiments", folder).counts == {
        name: {"read": 3, "unchanged": 3} for name in ("users", "compounds", "user_experiments")
    }


def test_the_files_can_be_imported_one_by_one(folder):
    for name in FILES:
        assert list(imported("import_experiments", folder / name).counts.values()) == [{"read": 3, "created": 3}]
    assert len(experiments()) == 3


def test_compounds_are_one_field_changed_as_a_whole(experiment_rows):
    experiment_rows("1,1,10;2,10\n2,1,3,15\n")
    report = experiment_rows("1,1,2;3,10\n2,1,3,15\n")
    assert report.counts["user_experiments"] == {"read": 2, "updated": 1, "unchanged": 1}
    assert experiments() == [(1, 1, 10, [2, 3]), (2, 1, 15, [3])]
    changed = UserExperiment.objects.get(pk=1)
    assert changed.changed_in_id > changed.created_in_id and changed.changed_line == 2
    assert features()[0] == (1, 2, 12.5, "3")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("cell", ["2;3", "3;2", "3;3;2", " 2 ; 3 ", "02;+3"])
def test_a_repeated_compound_counts_once_in_any_order(experiment_rows, cell):
    experiment_rows("1,1,2;3,10\n")
    assert experiment_rows(f"1,1,{cell},10\n").counts["user_experiments"] == {"read": 1, "unchanged": 1}
    assert experiments() == [(1, 1, 10, [2, 3])]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (
            "1,1,2;777,10",
            "experiment_compound_ids",
            "777",
            "refers to an unknown compound (looked up in compounds.compound_id)",
        ),
        ("1,9,2,10", "user_id", "9", "refers to an unknown user (looked up in users.user_id)"),
        ("1,1,2;x,10", "experiment_compound_ids", "2;x", "contains 'x', which is not a whole number"),
        ("1,1,2;;3,10", "experiment_compound_ids", "2;;3", "contains '', which is not a whole number"),
        ("1,1,,10", "experiment_compound_ids", None, "is missing: expected a whole number, or several separated by ;"),
        ("1,1,2,-1", "experiment_run_time", "-1", "is out of range: expected a number of at least 0"),
        ("1,1,2,1e151", "experiment_run_time", "1e151", "is out of range: expected a number from -1e+150 to 1e+150"),
        ("1,1,2,nan", "experiment_run_time", "nan", "is not a number of at least 0"),
        ("1,1,2,fast", "experiment_run_time", "fast", "is not a number of at least 0"),
        ("one,1,2,10", "experiment_id", "one", "is not a whole number"),
    ],
)
def test_an_invalid_experiment_is_rejected_and_the_rest_imported(experiment_rows, row, column, value, message):
    report = experiment_rows(f"{row}\n2,1,3,15\n")
    assert report.counts["user_experiments"] == {"read": 2, "created": 1, "rejected": 1}
    (rejection,) = report["rejections"]
    assert (rejection["source"], rejection["line"]) == ("user_experiments", 2)
    assert rejection["values"] == dict(zip(HEADER.strip().split(","), row.split(","), strict=True))
    (problem,) = rejection["problems"]
    assert (problem["column"], problem["value"]) == (column, value)
    assert problem["message"].startswith(message)
    assert experiments() == [(2, 1, 15, [3])]


def test_all_problems_of_an_experiment_are_reported_at_once(experiment_rows):
    (rejection,) = experiment_rows("1,9,777;888;2,-1\n")["rejections"]
    assert [(p["column"], p["value"]) for p in rejection["problems"]] == [
        ("experiment_run_time", "-1"),
        ("user_id", "9"),
        ("experiment_compound_ids", "777"),
        ("experiment_compound_ids", "888"),
    ]


def test_an_experiment_of_a_rejected_user_is_rejected(folder):
    (folder / "users.csv").write_text(FILES["users.csv"].replace("ada@", "ada at "), encoding="utf-8")
    report = imported("import_experiments", folder)
    assert report.rejected == [
        ("users.csv", 3, "email"),
        ("user_experiments.csv", 2, "user_id"),
        ("user_experiments.csv", 3, "user_id"),
    ]
    assert experiments() == [(3, 2, 7.5, [2, 3, 10])]


def test_a_repeated_key_is_a_duplicate_with_equal_values_and_rejected_with_others(experiment_rows):
    report = experiment_rows("1,1,2;3,10\n1,1,3;2,10.0\n1,1,2,10\n")
    assert report.counts["user_experiments"] == {"read": 3, "created": 1, "duplicates": 1, "rejected": 1}
    (rejection,) = report["rejections"]
    assert (rejection["line"], rejection["problems"][0]["column"]) == (4, "experiment_id")
    assert "line 2" in rejection["problems"][0]["message"]
    assert experiments() == [(1, 1, 10, [2, 3])]


def test_a_missing_experiment_is_deleted_with_its_compounds_if_requested(experiment_rows):
    experiment_rows("1,1,2;3,10\n2,1,3,15\n")
    assert experiment_rows("2,1,3,15\n").counts["user_experiments"] == {"read": 1, "unchanged": 1, "missing": 1}
    assert len(experiments()) == 2
    experiment_rows("2,1,3,15\n", delete_missing=True)
    assert experiments() == [(2, 1, 15, [3])]
    assert features()[0] == (1, 1, 15, "3")


def test_the_sample_is_imported_except_its_planted_rows():
    report = imported("import_experiments")
    assert report.counts == {
        "users": {"read": 205, "created": 200, "duplicates": 1, "rejected": 4},
        "compounds": {"read": 52, "created": 50, "rejected": 2},
        "user_experiments": {"read": 2008, "created": 2000, "duplicates": 1, "rejected": 7},
    }
    assert sorted(report.rejected) == [
        ("compounds.csv", 19, "compound_id"),
        ("compounds.csv", 38, None),
        ("user_experiments.csv", 77, "experiment_compound_ids"),
        ("user_experiments.csv", 402, "user_id"),
        ("user_experiments.csv", 655, "user_id"),
        ("user_experiments.csv", 910, "experiment_run_time"),
        ("user_experiments.csv", 1388, "experiment_id"),
        ("user_experiments.csv", 1512, "experiment_compound_ids"),
        ("user_experiments.csv", 1790, None),
        ("users.csv", 23, "email"),
        ("users.csv", 78, "signup_date"),
        ("users.csv", 133, "user_id"),
        ("users.csv", 164, None),
    ]
    assert imported("import_experiments").counts == {
        "users": {"read": 205, "unchanged": 200, "duplicates": 1, "rejected": 4},
        "compounds": {"read": 52, "unchanged": 50, "rejected": 2},
        "user_experiments": {"read": 2008, "unchanged": 2000, "duplicates": 1, "rejected": 7},
    }
    assert User.objects.mean_experiments() == 10


def test_a_number_of_many_digits_is_previewed_imported_and_averaged(experiment_rows):
    experiment_rows("1,1,2,5\n")
    for options in ({"dry_run": True}, {}):
        report = experiment_rows("1,1,2,1e150\n2,1,2,1e150\n", **options)
        assert (report.counts["user_experiments"], report["notes"]) == ({"read": 2, "created": 1, "updated": 1}, [])
    assert features()[0] == (1, 2, 1e150, "2")


@pytest.mark.django_db(transaction=True)
def test_a_run_is_applied_even_if_its_view_cannot_be_refreshed(folder, execute):
    kind = "MATERIALIZED VIEW" if connection.vendor == "postgresql" else "TABLE"
    execute(f"ALTER {kind} user_features RENAME TO elsewhere")
    try:
        report = imported("import_experiments", folder)
        with pytest.raises(CommandError, match=r"^user_features could not be refreshed: .*"):
            call_command("refresh_views")
    finally:
        execute(f"ALTER {kind} elsewhere RENAME TO user_features")
    assert report["status"] == "applied" and len(experiments()) == 3 and report["notes"] == []
