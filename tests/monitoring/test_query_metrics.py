"""Metrics of queries by table and verb: parsing of statements, and queries on both engines."""

import pyarrow as pa
import pytest
from django.db import connection
from django.db.models import F
from prometheus_client import REGISTRY

from datasets.models import Version
from imports.engine.staging import Writer
from monitoring import query_metrics
from people.models import Person, Place
from tests.import_helpers import imported

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nHawick,Roxburghshire,Scotland\n"


def counted() -> dict[tuple[str, str], int]:
    counts = {}
    for metric in REGISTRY.collect():
        if metric.name == "tabularium_table_queries":
            counts = {(s.labels["table"], s.labels["verb"]): int(s.value) for s in metric.samples}
    return counts


@pytest.fixture
def more():
    """A function that returns the counts since its last call."""
    before = counted()

    def more():
        nonlocal before
        after = counted()
        increase = {key: n - before.get(key, 0) for key, n in after.items() if n != before.get(key, 0)}
        before = after
        return increase

    return more


BOTH = "people select, places select"


@pytest.mark.parametrize(
    ("expected", "sql"),
    [
        ("people select", 'SELECT "people"."id" FROM "people" WHERE "people"."id" = %s'),
        (BOTH, 'SELECT 1 FROM "people" INNER JOIN "places" ON (1 = 1) JOIN "people" T4 ON (1 = 1)'),
        (BOTH, 'SELECT 1 FROM "people" "p", "places" WHERE 1 = 1'),
        (BOTH, "select 1 from people p join places on true"),
        ("people select", "SELECT 1 FROM public.people"),
        (BOTH, 'SELECT 1 FROM people AS "x, y", places'),
        ("places select", 'SELECT COUNT(*) FROM (SELECT 1 FROM "places") subquery'),
        ("places select", 'SELECT EXTRACT(YEAR FROM "people"."date_of_birth") FROM "places"'),
        ("places select", 'SELECT 1 FROM "places" WHERE a IS DISTINCT FROM people'),
        ("places select", "SELECT 'from people' FROM places -- join people"),
        ("people select", 'SELECT 1 FROM "people" WHERE x = %s FOR UPDATE OF "people"'),
        ("places insert", 'INSERT INTO "places" ("city") VALUES (%s), (%s)'),
        (
            "people select, places insert",
            "INSERT OR IGNORE INTO places SELECT city FROM stage_places JOIN people USING (id)",
        ),
        (
            "places insert",
            'INSERT INTO "places" ("city") VALUES (%s) ON CONFLICT DO UPDATE SET "city" = EXCLUDED."city"',
        ),
        ("people update, places select", 'UPDATE "people" SET "x" = stage.x FROM stage, places WHERE 1 = 1'),
        ("people delete, places select", 'DELETE FROM "people" USING places WHERE 1 = 1'),
        (
            "people delete, places select",
            "WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone JOIN places ON 1 = 1",
        ),
        ("people delete", "TRUNCATE TABLE people"),
        ("places copy", 'COPY "places" ("city") FROM STDIN (FORMAT csv)'),
        ("places copy", "COPY (SELECT city FROM places WHERE country = 'from people') TO STDOUT"),
        ("", "SELECT 1"),
        ("", "SELECT people FROM strangers"),
        ("", "SAVEPOINT s1"),
    ],
)
def test_the_tables_and_verbs_of_a_statement_are_parsed(expected, sql):
    assert ", ".join(" ".join(pair) for pair in sorted(query_metrics.tables_of(sql))) == expected


@pytest.mark.django_db
def test_orm_queries_are_counted_by_table_and_verb(more):
    kelso = Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    assert more()["places", "insert"] == 1
    for _ in range(3):
        list(Person.objects.select_related("place_of_birth"))
    assert more() == {("people", "select"): 3, ("places", "select"): 3}
    list(Place.objects.iterator())  # a server-side cursor
    Place.objects.filter(pk=kelso.pk).update(county=F("city"))
    assert more() == {("places", "select"): 1, ("places", "update"): 1}
    Version.objects.filter(pk="people").delete()
    assert more() == {("versions", "delete"): 1}


@pytest.mark.django_db(transaction=True)
def test_copy_is_counted_and_rows_that_fill_an_empty_table(more):
    with Writer("places", ["city", "county", "country", "created_in_id"]) as writer:
        assert more() == {}
    verb = "copy" if connection.vendor == "postgresql" else "insert"

    batch = {name: pa.array(["a", "b"]) for name in ("city", "county", "country")} | {"id": pa.array([1, 2])}
    with Writer("places", list(batch)) as writer:
        writer.write(batch)
    assert Place.objects.count() == 2
    assert more() == {("places", verb): 1, ("places", "select"): 1}


@pytest.mark.django_db(transaction=True)
def test_an_import_is_counted(more, tmp_path):
    (tmp_path / "places.csv").write_text(PLACES)
    imported("import_people", tmp_path / "places.csv")
    queries = more()
    assert sum(queries.get(("places", verb), 0) for verb in ("insert", "copy")) == 1
    assert queries["import_runs", "insert"] == 1


@pytest.mark.django_db(transaction=True)
def test_an_export_is_counted(more, client, settings):
    settings.API_ANONYMOUS_READ = True
    Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    more()
    assert b"Kelso" in b"".join(client.get("/api/people/places/?format=csv"))
    assert more()["places", "copy" if connection.vendor == "postgresql" else "select"] == 1


@pytest.mark.django_db
def test_the_cache_of_statements_is_bounded(more):
    query_metrics.counters.cache_clear()
    with connection.cursor() as cursor:
        for n in range(query_metrics.REMEMBERED + 50):
            cursor.execute(f"SELECT {n} FROM places")
    assert query_metrics.counters.cache_info().currsize == query_metrics.REMEMBERED
    assert more() == {("places", "select"): query_metrics.REMEMBERED + 50}


@pytest.mark.django_db
def test_statements_with_many_placeholders_are_cached_as_one(more):
    query_metrics.counters.cache_clear()
    for count in (500, 700, 900):
        list(Place.objects.filter(pk__in=range(count)))
    text = "x" * (query_metrics.LONGEST)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM places WHERE city = '{text}'")
    assert more() == {("places", "select"): 4}
    assert query_metrics.counters.cache_info().currsize == 1  # nor is a long statement without placeholders cached
