"""Fixtures: a site with an analytical copy, and the answers of the database and of the copy to one question."""

from collections.abc import Callable

import pytest


@pytest.fixture
def copies(settings, tmp_path, monkeypatch):
    """The copy of this test. Processes look for a newer one at once, and ask the engine after another test's pause."""
    from analytics.executor import executor
    from tests.analytics.copies import Copies

    monkeypatch.setattr("analytics.executor.RELOAD", -1)
    monkeypatch.setattr(executor, "_rests_until", 0.0)
    return Copies(settings, tmp_path / "copy")


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The tables about which DuckDB has answered, in order."""
    from analytics.engines.duckdb_engine import DuckDBEngine

    asked, rows = [], DuckDBEngine.rows

    def counted(self, expression, name, *arguments):
        found = rows(self, expression, name, *arguments)
        asked.append(name.partition("@")[0])
        return found

    monkeypatch.setattr(DuckDBEngine, "rows", counted)
    return asked


@pytest.fixture
def both(copies, asked) -> Callable:
    """A function that asks the database and then the copy, and returns both answers; the copy must answer."""

    def both(question: Callable) -> tuple:
        of_database = question()
        assert not asked
        with copies.used():
            of_copy = question()
        assert asked, "the copy did not answer"
        asked.clear()
        return of_database, of_copy

    return both
