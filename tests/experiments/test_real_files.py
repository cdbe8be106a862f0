"""The received files of users, compounds and experiments: the tables have all figures that are known of the files."""

import pytest

from experiments.models import Compound, User, UserExperiment, UserFeatures
from tests.import_helpers import CLOTHES, imported, table

pytestmark = pytest.mark.django_db

ROWS = {"users": 10, "compounds": 3, "user_experiments": 11}
UNCHANGED = {name: {"read": rows, "unchanged": rows} for name, rows in ROWS.items()}
FEATURES = [
    (1, 2, 12.5, "2"),
    (2, 1, 20, "1;3"),
    (3, 1, 25, "2;3"),
    (4, 1, 30, "1;2;3"),
    (5, 1, 35, "2;3"),
    (6, 1, 40, "1;3"),
    (7, 1, 45, "2;3"),
    (8, 1, 50, "1;2"),
    (9, 1, 55, "2;3"),
    (10, 1, 60, "1;3"),
]


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "experiments"


@pytest.fixture(scope="module", autouse=True)
def first(module_db, folder):
    """The report of the import before the tests of this module."""
    return imported("import_experiments", folder)


def users():
    """The rows of the table in the format of the file."""
    rows = User.objects.order_by("pk").values_list("user_id", "name", "email", "signup_date")
    return [[str(cell) for cell in row] for row in rows]


def compounds():
    rows = Compound.objects.order_by("pk").values_list("compound_id", "compound_name", "compound_structure")
    return [[str(cell) for cell in row] for row in rows]


def experiments():
    return [
        [
            str(e.pk),
            str(e.user_id),
            ";".join(str(c.pk) for c in e.compounds.order_by("pk")),
            f"{e.experiment_run_time:g}",
        ]
        for e in UserExperiment.objects.order_by("pk")
    ]


def test_all_rows_are_there_in_spite_of_blank_lines_and_odd_separators(first, folder):
    assert (folder / "users.csv").read_bytes().startswith(b"\nuser_id,\tname,")
    assert first.counts == {name: {"read": rows, "created": rows} for name, rows in ROWS.items()}


def test_every_cell_equals_the_file(folder):
    assert users() == table(folder / "users.csv")[1:]
    assert compounds() == table(folder / "compounds.csv")[1:]
    assert experiments() == table(folder / "user_experiments.csv")[1:]


def test_a_user_runs_1_1_experiments_on_average():
    assert User.objects.mean_experiments() == 1.1


def test_features_of_every_user():
    assert list(UserFeatures.objects.order_by("user_id").values_list()) == FEATURES


def test_the_queryset_methods_return_the_values_of_the_view():
    queries = [
        (user.pk, user.experiments.count(), user.experiments.mean_run_time(), user.experiments.most_common_compounds())
        for user in User.objects.order_by("pk")
    ]
    assert queries == [(*row, [int(compound) for compound in tied.split(";")]) for *row, tied in FEATURES]


def test_uses_of_each_compound():
    assert UserExperiment.objects.uses_by_compound() == {1: 6, 2: 8, 3: 9}
    assert UserExperiment.objects.most_common_compounds() == [3]


def test_a_repeated_import_of_the_files_changes_nothing(folder):
    assert imported("import_experiments", folder).counts == UNCHANGED


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("clothes", CLOTHES)
def test_the_same_tables_in_other_formats_change_nothing(clothes, folder, tmp_path):
    for name in ROWS:
        (tmp_path / f"{name}.csv").write_bytes(CLOTHES[clothes](table(folder / f"{name}.csv")))
    assert imported("import_experiments", *tmp_path.glob("*.csv")).counts == UNCHANGED


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("clothes", CLOTHES)
def test_other_formats_give_the_same_first_import(clothes, folder, tmp_path):
    UserExperiment.objects.all().delete()
    User.objects.all().delete()
    Compound.objects.all().delete()
    for name in ROWS:
        (tmp_path / f"{name}.csv").write_bytes(CLOTHES[clothes](table(folder / f"{name}.csv")))
    imported("import_experiments", *tmp_path.glob("*.csv"))
    test_every_cell_equals_the_file(folder)
    test_features_of_every_user()


def test_a_file_with_an_unknown_name_is_matched_by_its_columns(folder, tmp_path):
    for name in ROWS:
        (tmp_path / f"table of {len(name)}.txt").write_bytes((folder / f"{name}.csv").read_bytes())
    assert imported("import_experiments", *tmp_path.glob("*.txt")).counts == UNCHANGED
