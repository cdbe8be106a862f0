"""Count the work of statements: rows and buffers read on PostgreSQL, instructions on SQLite.

Only statements about the given tables are counted. PostgreSQL executes each of them twice: with EXPLAIN (ANALYZE,
BUFFERS), whose effect is rolled back, and then for the caller.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE TEMPORARY TABLE \S+ AS)\b")
OF_A_WHOLE_TABLE = re.compile(r"\s*(ANALYZE|VACUUM|REFRESH MATERIALIZED VIEW)\b")
# Statements that may stop a scan early, as their instructions show, and those that count an index, which is quick.
STOPS = re.compile(
    r"\bLIMIT\b|EXISTS \(SELECT 1 FROM \S+( WHERE corrections IS NOT NULL)?\)$"
    r'|^SELECT COUNT\(\*\) AS "__count" FROM "\w+"$'
)
OF_FEW = re.compile(r"INDEX (\w+_corrected|changes_tombstones|changes_deleted)$")  # indexes of few rows
INSTRUCTIONS = 100  # of SQLite's virtual machine, counted at once
GROWTH = 1.5
# PostgreSQL finds the records of a file in ranges of 16 pages, each with about 1,200 respondents; ten records lie in up
# to three of them. A page shows up to 100 records: in a large table, three pages of an index and of the table are read
# for each; in a small table, all pages are read once.
SLACK = {"rows": 4000, "buffers": 300, "instructions": 5000}


@dataclass
class Work:
    """The work of each statement about the tables, by its text with all numbers replaced."""

    statements: dict[str, dict[str, int]] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)  # statements that always read a whole table
    scans: list[str] = field(default_factory=list)  # on SQLite: statements that read all rows of a table

    def add(self, sql: str, counts: dict[str, int]) -> None:
        total = self.statements.setdefault(sql, dict.fromkeys(counts, 0))
        for unit, count in counts.items():
            total[unit] += count

    def excess(self, few: "Work") -> list[str]:
        """Return the statements that did much more work than in *few*, which was measured with fewer rows."""
        return [
            f"{unit} grew from {before} to {count}: {sql}"
            for sql, counts in self.statements.items()
            for unit, count in counts.items()
            if count > GROWTH * (before := few.statements.get(sql, {}).get(unit, 0)) + SLACK[unit]
        ]


@contextmanager
def counted(*tables: str) -> Iterator[Work]:
    """Count the work of the statements about *tables* in the block."""
    work, about = Work(), re.compile(rf"\b({'|'.join(tables)})\b")
    explain = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite

    def count(execute: Callable, sql: str, params: Any, many: bool, context: dict) -> Any:  # noqa: FBT001
        if not about.search(sql):
            return execute(sql, params, many, context)
        if OF_A_WHOLE_TABLE.match(sql):
            work.whole.append(sql)
        if many or not EXPLAINED.match(sql):
            return execute(sql, params, many, context)
        explain(work, about, re.sub(r"\d+", "N", sql), sql, params)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield work
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(None, 0)


def _on_postgresql(work: Work, about: re.Pattern, name: str, sql: str, params: Any) -> None:
    driver = connection.connection
    in_transaction = driver.info.transaction_status.name == "INTRANS"
    driver.execute("SAVEPOINT counted" if in_transaction else "BEGIN")
    try:
        (plan,) = driver.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params).fetchone()[0]
    finally:
        driver.execute("ROLLBACK TO counted" if in_transaction else "ROLLBACK")
    root = plan["Plan"]
    buffers = sum(root[f"{where} {how} Blocks"] for where in ("Shared", "Local") for how in ("Hit", "Read"))
    work.add(name, {"rows": _rows_read(root), "buffers": buffers})


def _rows_read(node: dict) -> int:
    """Return the number of rows that *node* and the nodes below it read from tables and indexes."""
    own = 0
    if node.keys() & {"Relation Name", "Index Name"} and node["Node Type"] != "ModifyTable":
        removed = sum(count for name, count in node.items() if name.startswith("Rows Removed"))
        own = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return own + sum(map(_rows_read, node.get("Plans", ())))


def _on_sqlite(work: Work, about: re.Pattern, name: str, sql: str, params: Any) -> None:
    driver, names = connection.connection, _names(about, sql)
    if not STOPS.search(sql):
        plan = driver.execute(f"EXPLAIN QUERY PLAN {sql.replace('%s', '?')}", params or ()).fetchall()
        steps = [step.split() for *_, step in plan]
        names -= {step[1] for step in steps if step[0] in ("CO-ROUTINE", "MATERIALIZE")}  # subqueries
        scans = [" ".join(step) for step in steps if step[0] == "SCAN" and step[1] in names]
        work.scans += [f"{scan}: {sql}" for scan in scans if not OF_FEW.search(scan)]

    def step() -> None:
        work.add(name, {"instructions": INSTRUCTIONS})

    driver.set_progress_handler(step, INSTRUCTIONS)  # until the next statement: rows are computed when they are fetched


def _names(about: re.Pattern, sql: str) -> set[str]:
    """Return the names of the tables in a statement, and the words that follow them: these include their aliases."""
    return {word for match in re.findall(rf'{about.pattern}"?(?: AS)?(?: (\w+))?', sql) for word in match}
