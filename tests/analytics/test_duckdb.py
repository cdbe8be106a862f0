"""DuckDB is limited in time and memory, reads only the copy, and leaves what it cannot answer to the database."""

import logging
from dataclasses import replace
from shutil import copytree

import ibis
import pyarrow
import pyarrow.parquet
import pytest
from django.db import models
from duckdb import Error

from analytics.columns import type_of
from analytics.executor import engine
from census.models import Respondent
from datasets.records.aggregation import measures, summarise
from datasets.records.columns import ListedColumn
from datasets.sql.query_timeout import QueryTimeError, limited
from exports.columns import ExportedColumn
from people.models import Person

pytestmark = pytest.mark.django_db


def test_only_text_is_compared_as_text():
    field = models.DecimalField(name="price")
    field.model = Person
    column = ListedColumn("price", "price", field, null=False, help_text="")
    assert type_of(ExportedColumn(column, masked=False)) == "text of a DecimalField"


def test_a_sum_does_not_overflow(copies, tmp_path):
    table = pyarrow.table({"x": pyarrow.array([2**63 - 1] * 3)})
    (tmp_path / "copy").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "copy" / "large.parquet")
    expression = ibis.table({"x": "int64"}, name="large@1")
    with copies.used():
        total = expression.aggregate(total=expression.x.sum())
        assert engine().rows(total, "large@1", [str(tmp_path / "copy" / "large.parquet")], None) == [(3 * (2**63 - 1),)]


def test_a_query_of_the_copy_stops_at_the_time_limit(copied, copies, admin_user, monkeypatch):
    def slow(table, *arguments):
        one, two, three = (table.select(**{f"age_{n}": table.age}) for n in range(3))
        joined = one.cross_join(two).cross_join(three)
        return joined.aggregate(n=(joined.age_0 * joined.age_1 + joined.age_2).sum())

    monkeypatch.setattr("analytics.expressions.groups.groups", slow)
    with copies.used(), pytest.raises(QueryTimeError), limited(0.3):
        summarise(Respondent.objects.all(), [], measures(Respondent, ["count"], admin_user))


def test_duckdb_reads_only_the_copy(copied, copies, tmp_path):
    (tmp_path / "other.csv").write_text("a\n1\n")
    with copies.used():
        cursor = engine().open_view(
            "none@1", [str(path) for path in copies.files("people") if path.suffix == ".parquet"][:1]
        )
        for statement in (
            f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
            f"COPY (SELECT 1) TO '{tmp_path}/written.csv'",
            f"ATTACH '{tmp_path}/written.db'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET memory_limit = '10GB'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(Error):
                cursor.execute(statement)
        limits = "SELECT current_setting('threads'), current_setting('memory_limit')"
        assert cursor.execute(limits).fetchone() == (2, "488.2 MiB")


def test_the_database_answers_if_a_file_is_damaged(copied, copies, asked, admin_user, caplog, tmp_path):
    copytree(copies.place.copy, tmp_path / "damaged")
    copies.place = replace(copies.place, copy=str(tmp_path / "damaged"))
    for path in copies.files("people"):
        if path.suffix == ".parquet":
            path.write_bytes(path.read_bytes()[:100])
    count = measures(Person, ["count"], admin_user)
    with copies.used(), caplog.at_level(logging.WARNING):
        assert summarise(Person.objects.all(), [], count).rows == [(600,)]
    assert not asked and "The database answers instead of the analytical copy" in caplog.text


def test_a_copy_can_be_anywhere_that_fsspec_reaches(place, copies, asked, admin_user):
    copies.place = replace(copies.place, copy="memory://bucket/copy")
    copies.write("people")
    count = measures(Person, ["count"], admin_user)
    with copies.used():
        assert summarise(Person.objects.all(), [], count).rows == [(600,)]
    assert asked == ["people"]
