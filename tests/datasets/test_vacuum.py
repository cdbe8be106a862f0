"""After a large change, the worker vacuums the tables that it wrote."""

import pytest
from django.core.management import call_command
from django.db import connection

from datasets.sql import vacuum

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no statistics of its tables")
PLACES = "city,county,country\n" + "".join(f"Town {n},Fife,Scotland\n" for n in range(200))


@pytest.fixture
def vacuums(rows, monkeypatch):
    """A function that runs the worker and returns how often it has vacuumed the places."""
    monkeypatch.setattr(vacuum, "LEAST", 100)

    def vacuums() -> int:
        rows("SELECT pg_stat_force_next_flush()")
        call_command("worker", batch=True)
        ((count,),) = rows("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'places'")
        return count

    return vacuums


def test_the_worker_vacuums_a_table_once_after_a_run_that_wrote_more_than_a_tenth_of_it(bring, vacuums, rows):
    before = vacuums()
    bring("people", places=PLACES)
    assert vacuums() == before + 1
    assert rows("SELECT reltuples FROM pg_class WHERE relname = 'places'") == [(200,)]
    bring("people", places=f"{PLACES}Perth,Perthshire,Scotland\n")
    assert vacuums() == before + 1


def test_autovacuum_visits_each_table_after_a_twentieth_of_its_rows_has_changed_and_never_shrinks_it(rows):
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    options = "ARRAY['autovacuum_vacuum_scale_factor=0.05', 'vacuum_truncate=off']"
    often = rows(f"SELECT relname FROM pg_class WHERE reloptions @> {options}")
    own = {name for name in tables if not name.startswith(("auth_", "axes_", "django_"))}
    assert {name for (name,) in often} == own
