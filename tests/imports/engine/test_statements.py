"""A small import needs few database statements."""

from collections import Counter

import pytest
from django.db import connection

from datasets import matviews
from datasets.versions import raise_version
from imports.engine.run import import_files

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nAyr,Ayrshire,Scotland\n"
RESPONDENTS = (
    "42, Local-gov, 202122, Masters, 14, Widowed, Other-service, Not-in-family, White, Female, 0, 0, 43, Peru, <=50K\n"
    "39, State-gov, 210058, 10th, 6, Divorced, Sales, Husband, Black, Male, 0, 0, 40, Haiti, >50K\n"
)
NO_VOCABULARY = "people", "places.csv", PLACES
SEVEN_VOCABULARIES = "census", "adult.data", RESPONDENTS


@pytest.fixture
def statements_of(write):
    """Count the statements of an import by their first two words."""

    def statements_of(dataset: str, name: str, content: str) -> Counter[str]:
        counts: Counter[str] = Counter()

        def count(execute, sql, *more):
            if not sql.startswith("ANALYZE"):  # PostgreSQL's statistics decide how many tables need it
                counts[" ".join(sql.split()[:2])] += 1
            return execute(sql, *more)

        raise_version(dataset)  # the first import creates the versions of the dataset and its views
        matviews.refresh(dataset)
        path = write(name, content)
        with connection.execute_wrapper(count):
            import_files(dataset, [path])
        return counts

    return statements_of


@pytest.mark.parametrize(
    ("file", "most"),
    [
        (NO_VOCABULARY, {"sqlite": (41, 41), "postgresql": (35, 35)}),
        (SEVEN_VOCABULARIES, {"sqlite": (83, 40), "postgresql": (82, 39)}),
    ],
    ids=["no vocabulary", "seven vocabularies"],
)
def test_an_import_of_two_rows_takes_few_statements_and_a_repeated_one_fewer(statements_of, file, most):
    first, again = statements_of(*file), statements_of(*file)
    assert (first.total(), again.total()) == most[connection.vendor], (first, again)


def test_only_created_temporary_tables_are_dropped(statements_of):
    counts = statements_of(*NO_VOCABULARY)
    made = counts["CREATE TEMPORARY"]
    assert 0 < made <= 4
    assert counts["DROP TABLE"] == (made if connection.vendor == "sqlite" else 1)
