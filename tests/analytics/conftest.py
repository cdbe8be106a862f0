"""Fixtures: a site with an analytical copy, and the answers of the database and of the copy to one question."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings


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


@pytest.fixture(scope="module")
def place(module_db, tmp_path_factory) -> Path:
    """The folder of the copy of 3,000 respondents, 600 people and 300 experiments."""
    from tests.analytics.copies import Copies
    from tests.analytics.records import fill

    fill()
    copies = Copies(settings, tmp_path_factory.mktemp("copy"))
    for dataset in ("census", "people", "experiments"):
        copies.write(dataset)
    return Path(copies.place.copy)


@pytest.fixture
def copied(place, copies) -> None:
    """Use the copy of the module in this test."""
    copies.place = replace(copies.place, copy=str(place))
