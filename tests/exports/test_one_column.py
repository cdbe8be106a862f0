"""Common CSV readers read a CSV of one column row by row with their defaults."""

import csv
import io
from datetime import date

import pandas
import pytest
from django.core.management import call_command

from experiments.models import Compound, User, UserExperiment
from subjects.models import Subject


@pytest.fixture
def records(db):
    """Three records of each table; the second has no value in nullable columns."""
    for n, born in enumerate([date(2020, 1, 1), None, date(2020, 1, 3)], 1):
        Subject.objects.create(subject_id=str(n), species=born and "Mus musculus", date_of_birth=born)
        Compound.objects.create(compound_id=n, compound_name=f"C{n}", compound_structure="C")
    user = User.objects.create(user_id=1, name="U", email="u@example.com", signup_date=date(2023, 1, 1))
    for n in (1, 2, 3):
        run = UserExperiment.objects.create(experiment_id=n, user=user, experiment_run_time=n)
        run.compounds.set(Compound.objects.all() if n != 2 else [])


COLUMNS = {
    ("subjects/subjects", "species"): ["Mus musculus", "", "Mus musculus"],
    ("subjects/subjects", "date_of_birth"): ["2020-01-01", "", "2020-01-03"],
    ("subjects/subjects", "created_line"): ["", "", ""],
    ("subjects/subjects", "subject_id"): ["1", "2", "3"],
    ("experiments/user-experiments", "compounds"): ["1;2;3", "", "1;2;3"],
}


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_plain_readers_read_back_every_row_of_one_column(records, client, table, column, tmp_path):
    wanted = COLUMNS[table, column]
    served = client.get(f"/api/{table}/", {"format": "csv", "fields": column}).getvalue()
    file = tmp_path / "one.csv"
    call_command("export", table, "--columns", column, "-o", str(file))
    for content in (served, file.read_bytes()):
        assert [row[column] for row in csv.DictReader(io.StringIO(content.decode()))] == wanted
        frame = pandas.read_csv(io.BytesIO(content))
        assert list(frame.columns) == [column] and [not missing for missing in frame[column].isna()] == list(
            map(bool, wanted)
        )


def test_two_columns_keep_an_empty_cell_as_it_was(records, client):
    content = client.get("/api/subjects/subjects/", {"format": "csv", "fields": "subject_id,species"}).getvalue()
    assert content.decode().splitlines()[2] == "2,"
    parquet = client.get("/api/subjects/subjects/", {"format": "parquet", "fields": "species"}).getvalue()
    assert list(pandas.read_parquet(io.BytesIO(parquet))["species"].isna()) == [False, True, False]
