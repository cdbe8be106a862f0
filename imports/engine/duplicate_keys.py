"""Keys that come again in a stage: repeats where the values are the same, turned down where they are not."""

from collections import Counter

from django.db import connection

from datasets.sql.dialect import quoted
from datasets.sql.row_json import differs
from imports.engine.rejections import LateRejections
from imports.engine.source_load import SourceLoad
from imports.rejected_rows import told_as
from imports.sources import Many
from imports.validation import problem


class Repeats:
    """The staged rows of one source whose key stands on an earlier line."""

    def __init__(self, load: SourceLoad, many: list[Many], late: LateRejections):
        self.load, self.many, self.late = load, many, late
        self.staged = quoted(load.stage.table)
        self.again = quoted(load.stage.again)
        self.keys = [quoted(name) for name in load.stage.key]

    def take_out(self) -> Counter[int]:
        """Take them out of the stage; returns how many had the values of the first, by file."""
        with connection.cursor() as cursor:
            if not self._collect():
                return Counter()
            cursor.execute(f"SELECT source_file, count(*) FROM {self.again} WHERE same = 1 GROUP BY source_file")
            duplicates = Counter(dict(cursor.fetchall()))
            self._turn_down()
            theirs = f"(s.source_file, s.source_line) IN (SELECT source_file, source_line FROM {self.again})"
            for table in [self.staged, *(quoted(self.load.stage.members(column)) for column in self.many)]:
                cursor.execute(f"DELETE FROM {table} AS s WHERE {theirs}")
        return duplicates

    def _collect(self) -> bool:
        """Collect the rows whose key comes again; returns whether any does."""
        columns = [c for c in self.load.stage.columns if c.name in self.load.present]
        other = " OR ".join(differs(c.field, f"s.{quoted(c.name)}", f"f.{quoted(c.name)}") for c in columns)
        place = "{0}.source_file * 4294967296 + {0}.source_line"  # the order of files, and of lines in them
        keys = ", ".join(self.keys)
        stage = self.load.stage
        stage.collect(
            stage.first,
            f"SELECT {keys}, min({place.format('s')}) AS place"
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
            f" AND {place.format('f')} = d.place WHERE {place.format('s')} > d.place",
        )
        return True

    def _turn_down(self) -> None:
        names = {file.pk: told_as(file) for file in self.load.files}
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
                    message = f"came before, on {where}, with other values; the first is the one that counts"
                    self.late.turn_down(file, line, [problem(self.load.stage.key[0], key[0], message)])
