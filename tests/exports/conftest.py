"""Records to export, with unusual texts, numbers, lists and documents; and readers of exported files."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from openpyxl.utils.escape import unescape

from datasets import exact_json

ODD = ['a,b "c"', "", "line\nbreak\r", " é\t", "=1+1", "'=x", r"\.", "'", "€😀"]


def rows_in(content: bytes, file_format: str) -> list[dict[str, Any]]:
    """Return the rows of a file; CSV cells are texts, or None for an empty cell without quotes."""
    match file_format:
        case "csv":
            names = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode().split(",")
            parse = pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
            convert = pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            )
            return pa.csv.read_csv(io.BytesIO(content), None, parse, convert).to_pylist()
        case "json":
            return exact_json.loads(content)
        case "ndjson":
            return [exact_json.loads(line) for line in content.splitlines()]
        case "parquet":
            return pa.parquet.read_table(io.BytesIO(content)).to_pylist()
    names, *rows = openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    texts = ([unescape(value) if isinstance(value, str) else value for value in row] for row in rows)
    return [dict(zip(names, row, strict=True)) for row in texts]


def values_in(content: bytes, file_format: str, kinds: dict[str, Callable]) -> list[tuple]:
    """Return the values of a file; *kinds* parse the columns that a format stores as texts."""
    return [
        tuple(kinds[name](value) if isinstance(value, str) else value for name, value in row.items())
        for row in rows_in(content, file_format)
    ]


@pytest.fixture
def people(db):
    """A person for each unusual text."""
    from people.models import Person, Place

    kelso = Place.objects.create(id=1, city="Kelso, Scotland", county="Roxburghshire", country="Scotland")
    Person.objects.bulk_create(
        Person(id=n, given_name=name, family_name="Mac", date_of_birth=date(1850, 1, n), place_of_birth=kelso)
        for n, name in enumerate(ODD, 1)
    )


@pytest.fixture
def experiments(db):
    """Two users; one ran an experiment with two compounds, and one with none."""
    from experiments.models import Compound, User, UserExperiment

    for n, email in enumerate(["alice@example.com", "@b@example.org"], 1):
        User.objects.create(user_id=n, name=f"U{n}", email=email, signup_date=date(2023, 5, n))
    compounds = [Compound.objects.create(compound_id=n, compound_name=f"C{n}", compound_structure="C") for n in (9, 10)]
    UserExperiment.objects.create(experiment_id=1, user_id=1, experiment_run_time=10.0).compounds.set(compounds)
    UserExperiment.objects.create(experiment_id=2, user_id=1, experiment_run_time=1.5e-7)


@pytest.fixture
def sessions(db):
    """A session whose document has every type of JSON."""
    from subjects.models import Session, Subject

    subject = Subject.objects.create(subject_id="007", sex="Male")
    document = {"longer": [1, -0.0, 1.50, 1e22, None], "b": {"é": 'x"\\\n\x01'}, "a": True}
    Session.objects.create(id=1, name="s", subject=subject, document=document)


@pytest.fixture
def exported():
    """Export all records of a model, by default for an anonymous user, and return the bytes."""
    from exports.formats import export

    def exported(model, columns, file_format, user=None, rows=None, **options) -> bytes:
        rows = model._default_manager.all() if rows is None else rows
        return b"".join(export(model, rows, columns, user, file_format, **options))

    return exported
