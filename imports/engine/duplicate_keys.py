"""Find staged rows with the same key: they are duplicates if their values are equal, and rejected rows otherwise."""

from collections import Counter

from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import differs
from imports.engine.rejections import LateRejections
from imports.engine.source_load import SourceLoad
from imports.rejected_rows import line_file_name
from imports.row_problems import problem
from imports.sources import Many


class DuplicateKeys:
    """The staged rows of one source whose key occurs on an earlier line."""

    def __init__(self, load: SourceLoad, many: list[Many], late: LateRejections):
        self.load, self.many, self.late = load, many, late
        self.staged = quoted(load.stage.table)
        self.again = quoted(load.stage.again)
        self.keys = [quoted(name) for name in load.stage.key]

    def take_out(self) -> Counter[int]:
        """Remove the rows from the stage. Return the number of exact duplicates by file."""
        with connection.cursor() as cursor:
            if not self._collect():
                return Counter()
            cursor.execute(f"SELECT source_file, count(*) FROM {self.again} WHERE same = 1 GROUP BY source_file")
            duplicates = Counter(dict(cursor.fetchall()))
            self._reject_row()
            is_duplicate = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {self.again})"
            for table in [self.staged, *(quoted(self.load.stage.members(column)) for column in self.many)]:
                cursor.execute(f"DELETE FROM {table} AS s WHERE {is_duplicate}")
        return duplicates

    def _collect(self) -> bool:
        """Collect the rows with a duplicate key. Return whether there are any."""
        columns = [c for c in self.load.stage.columns if c.name in self.load.present]
        other = " OR ".join(differs(c.field, f"s.{quoted(c.name)}", f"f.{quoted(c.name)}") for c in columns)
        position = "{0}.source_file * 4294967296 + {0}.source_line"  # sorts by file, and then by line
        keys = ", ".join(self.keys)
        stage = self.load.stage
        stage.collect(
            stage.first,
            f"SELECT {keys}, min({position.format('s')}) AS position"
            f" FROM {self.staged} s GROUP BY {keys} HAVING count(*) > 1",
        )
        if stage.is_empty(stage.first):
            return False
        stage.collect(
            stage.again,
            f"SELECT s.source_file, s.source_line, f.source_file AS first_file,"
            f" f.source_line AS first_line, CASE WHEN {other} THEN 0 ELSE 1 END AS same,"
            f" {', '.join(f's.{key}' for key in self.keys)} FROM {quoted(stage.first)} d"
            f" JOIN {self.staged} s ON {' AND '.join(f's.{key} = d.{key}' for key in self.keys)}"
            f" JOIN {self.staged} f ON {' AND '.join(f'f.{key} = d.{key}' for key in self.keys)}"
            f" AND {position.format('f')} = d.position WHERE {position.format('s')} > d.position",
        )
        return True

    def _reject_row(self) -> None:
        names = {file.pk: line_file_name(file) for file in self.load.files}
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                f"SELECT source_file, source_line, first_file, first_line, {', '.join(self.keys)} FROM {self.again}"
                " WHERE same = 0 ORDER BY source_file, source_line"
            )
            while rows := cursor.fetchmany(2000):
                for file, line, first_file, first_line, *key in rows:
                    where = f"line {first_line}" + (
                        f" of {names[first_file]}" if names[first_file] != names[file] else ""
                    )
                    message = f"is a duplicate key: {where} has other values and takes precedence"
                    self.late.add(file, line, [problem(self.load.stage.key[0], key[0], message)])
