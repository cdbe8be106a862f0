"""The PostgreSQL connection pool returns live connections and queries the server only if in doubt."""

import psycopg
import pytest
from django.db import connection

from people.models import Place

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has neither a server nor a pool"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def observer():
    """A second connection to the same PostgreSQL, to observe and end those of the site."""
    given = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{name: given[name] for name in names if name in given}, autocommit=True) as other:
        yield other


def backend() -> int:
    """Return the id of the server process of the site's connection."""
    connection.ensure_connection()
    return connection.connection.info.backend_pid


def end_all(observer: psycopg.Connection) -> None:
    """End the server processes of all other connections to the database."""
    observer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database()"
    )


def test_a_connection_is_returned_without_a_query(observer):
    processes = set()
    while (process := backend()) not in processes:  # the pool has several connections and returns them in turn
        connection.cursor().execute("SELECT 'the last thing asked'")
        processes.add(process)
        connection.close()
    result = observer.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [process]).fetchone()
    assert result == ("SELECT 'the last thing asked'",)


def test_a_broken_connection_of_the_pool_is_replaced(observer):
    assert Place.objects.count() == 0
    died = backend()
    connection.close()
    end_all(observer)
    assert Place.objects.count() == 0
    assert backend() != died


def test_all_broken_connections_of_the_pool_are_replaced_at_once(observer):
    connection.close()  # this connection may belong to the pool
    pool = connection.pool
    connections = [pool.getconn() for _ in range(5)]  # replaced one by one, the last would take 1 + 2 + 4 + 8 s
    died = {each.info.backend_pid for each in connections}
    for each in connections:
        pool.putconn(each)
    end_all(observer)
    assert Place.objects.count() == 0
    assert backend() not in died
