"""The rows of a copy, and those of the tables of the database."""

import os

import pyarrow.parquet
from django.db.models import F

from analytics.columns import copied_columns, copied_records
from analytics.manifest import load
from analytics.storage import Storage
from analytics.writer import tables_of
from people.models import Person

PLACES = "city,county,country\nKelso,Roxburgh,Scotland\nAlloa,Fife,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\n"


def people(first: int, last: int) -> str:
    """Return a file of people, of whom the first half was born in Kelso."""
    middle = (first + last) // 2
    towns = (("Kelso" if n < middle else "Alloa", n) for n in range(first, last))
    return PEOPLE + "".join(f"Ann,Mac{n},19{n % 90 + 10}-02-03,{town}\n" for town, n in towns)


def copied(copies, dataset: str) -> dict[str, list[dict]]:
    """Return the rows of each copied table, in the order of its parts."""
    storage = Storage(copies.place.copy)
    manifest = load(storage, dataset)
    rows = {}
    for table, copy in manifest.tables.items():
        rows[table] = []
        for part in copy.parts:
            with storage.open(part.path) as file:
                read = pyarrow.parquet.ParquetFile(file).read().to_pylist()
            assert (len(read), os.path.getsize(storage.url(part.path))) == (part.rows, part.bytes)
            rows[table] += read
    return rows


def stored(dataset: str) -> dict[str, list[dict]]:
    """Return the rows of each table of the database, without personal data, in the order of their keys."""
    rows = {}
    for model in tables_of(dataset):
        columns = [column for column in copied_columns(model) if not column.listed.many]
        names = [column.name for column in columns]
        values = copied_records(model).order_by("pk").values_list(*(F(column.listed.path) for column in columns))
        rows[model._meta.db_table] = [dict(zip(names, row, strict=True)) for row in values]
        for field in model._meta.many_to_many:
            links = field.remote_field.through.objects.values_list(f"{field.m2m_field_name()}_id", "compound_id")
            for row in rows[model._meta.db_table]:
                key = row[model._meta.pk.name]
                row[field.name] = sorted(member for owner, member in links if owner == key)
    return rows


def check(copies, dataset: str) -> None:
    assert copied(copies, dataset) == stored(dataset)


def some(*places: int):
    keys = list(Person.objects.order_by("pk").values_list("pk", flat=True))
    return Person.objects.filter(pk__in=[keys[place] for place in places])
