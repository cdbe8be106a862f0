"""Real files are read to the last row."""

import pytest

from imports.readers import ExpectedColumns, HeaderMismatchError, find_layout, read_json
from tests.imports.readers.readings import read

CENSUS = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain "
    "capital_loss hours_per_week native_country income"
).split()


@pytest.mark.parametrize(
    ("name", "columns", "rows", "first", "last"),
    [
        ("census/adult.data", CENSUS, 32561, 1, 32561),
        ("census/adult.test", CENSUS, 16281, 2, 16282),
        ("people/places.csv", ["city", "county", "country"], 114, 2, 115),
        ("people/people.csv", ["given_name", "family_name", "date_of_birth", "place_of_birth"], 10000, 2, 10001),
        ("experiments/users.csv", ["user_id", "name", "email", "signup_date"], 10, 3, 12),
        ("experiments/compounds.csv", ["compound_id", "compound_name", "compound_structure"], 3, 2, 4),
        (
            "experiments/user_experiments.csv",
            ["experiment_id", "user_id", "experiment_compound_ids", "experiment_run_time"],
            11,
            2,
            12,
        ),
    ],
)
@pytest.mark.parametrize("size", [20_000, 4 << 20])
def test_the_real_files_are_read_to_the_last_row(real_data, name, columns, rows, first, last, size):
    expected = ExpectedColumns(
        {column: () for column in columns}, frozenset(columns), headerless=name.startswith("census"), comment="|"
    )
    cells, malformed, layout = read(real_data / name, expected, block_size=size)
    assert (len(cells), malformed, cells[0][0], cells[-1][0]) == (rows, [], first, last)
    assert layout.delimiter == "," and layout.unknown == ()


def test_the_real_documents_are_read(real_data):
    paths = [*real_data.glob("subjects/*/subject.json"), *real_data.glob("subject-shapes/*.json")]
    assert [len(read_json(path)) for path in paths] == [1] * 31


def test_a_description_of_the_columns_is_not_read_as_a_table(real_data):
    census = ExpectedColumns({column: () for column in CENSUS}, frozenset(CENSUS), headerless=True, comment="|")
    with pytest.raises(HeaderMismatchError, match="expected a header with the columns age, workclass"):
        find_layout(real_data / "census" / "adult.names", census)
