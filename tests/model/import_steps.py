"""Import files into the site and the model."""

import json
import tempfile
from itertools import count
from pathlib import Path

from django.core.management import CommandError, call_command
from hypothesis import strategies as st

from imports.models import Change, ImportRun, RejectedRow
from tests.model import stored
from tests.model.files import rows_of, subject_rows, write_tables
from tests.model.importing import Import
from tests.model.people_files import people_rows
from tests.model.site import DONE, Site
from tests.model.tables import DATASETS
from tests.model.values import DOCUMENTS, ROWS

COUNTS = ("created", "updated", "missing", "deleted")
DOUBT = "may be another file"
PAIRING = st.sampled_from([None, None, True, False])  # --pairing, --no-pairing, or neither


class ImportingSite(Site):
    """An import changes the records as the model expects, and reports so; its preview reports the same."""

    def __init__(self):
        super().__init__()
        self.people: list[dict] = []  # the rows of the last people.csv
        self.numbers = count()  # of distinct people

    def import_files(self, dataset, data):
        if dataset == "subjects":
            self.import_documents(data)
        else:
            self.import_tables(dataset, data)

    def import_tables(self, dataset, data):
        suffix = data.draw(st.booleans())
        options = {name: data.draw(st.booleans()) for name in ("remove", "preview", "again")}
        rows = {table: data.draw(ROWS[table], label=table) for table in DATASETS[dataset] if table != "people"}
        if dataset == "people":
            rows["people"] = people_rows(data, self.people, self.numbers)
            options["pairing"] = data.draw(PAIRING, label="pairing")
        rows = {table: entries for table, entries in rows.items() if entries}
        if rows:
            self.import_rows(dataset, rows, suffix="-b" if suffix and dataset == "experiments" else "", **options)

    def import_rows(self, dataset, rows, *, suffix="", **options):
        """Import the rows of tables."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        write_tables(folder, rows, suffix)
        result = {table: rows_of(table, entries, f"{table}{suffix}.csv") for table, entries in rows.items()}
        files = {table: {f"{table}{suffix}.csv"} for table in rows}
        self._import(dataset, folder, result, files, **options)
        self.people = rows.get("people", self.people)

    def import_documents(self, data):
        documents = data.draw(DOCUMENTS, label="documents")
        options = {name: data.draw(st.booleans()) for name in ("remove", "preview", "again")}
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        for name, text in documents.items():
            (folder / name).mkdir()
            (folder / name / "subject.json").write_text(text)
        result = subject_rows(self.tables, documents)
        files = {table: set(documents) for table in result}
        self._import("subjects", folder, result, files, **options)

    def _import(self, dataset, folder, expected, files, *, remove=False, preview=False, again=False, pairing=None):
        before = stored.raw()
        options = {"remove": remove, "pairing": pairing}
        seen = self._preview(dataset, folder, expected, files, **options) if preview else None
        try:
            report = self._command(dataset, folder, **options)
        except CommandError as refusal:
            assert DOUBT in str(refusal) and stored.raw() == before
            trial, _ = self._preview(dataset, folder, expected, files, **options)
            assert trial.doubtful and pairing is None, "refused, although the file is no other one"
            DONE["doubtful files"] += 1
            options["pairing"], seen = again, None
            report = self._command(dataset, folder, **options)
        run, rejected = self._merged(report, expected, files, **options)
        assert not (run.doubtful and options["pairing"] is None), "not refused, although it may be another file"
        if seen:
            assert _counts(report) == _counts(seen[1])
        action = self.tables.do("run", run.after)
        self._store(action, report, before, rejected)
        assert not (report["pairs"] and options["pairing"] is False)
        DONE["pairs"] += len(report["pairs"])
        DONE["edited rows"] += len(run.edited)
        if again:
            rows = stored.raw()
            report = self._command(dataset, folder, pairing=pairing)
            assert not any(source["created"] or source["updated"] for source in report["sources"])
            assert stored.raw() == rows
            _, rejected = self._merged(report, expected, files, pairing=pairing)
            self._store(self.tables.do("run", self.tables.records), report, rows, rejected)

    def _store(self, action, report, before, rejected):
        """Remember an applied run, and the rows that it could not use."""
        action.handle, action.rows, self.latest = ImportRun.objects.get(pk=report["run"]), before, action
        if rejected is not None:
            self.rejected.imports.append((action, rejected))

    def _preview(self, dataset, folder, expected, files, *, remove, pairing):
        """Return the expected import and the report of a preview, which changes nothing."""
        before, changes = stored.raw(), Change.objects.count()
        report = self._command(dataset, folder, remove=remove, pairing=pairing, dry_run=True)
        assert stored.raw() == before and Change.objects.count() == changes
        run, _ = self._merged(report, expected, files, remove=remove, pairing=pairing)
        assert any(DOUBT in note for note in report["notes"]) == (run.doubtful and pairing is None)
        return run, report

    def _merged(self, report, expected, files, *, remove=False, pairing=None, choices=None):
        """Return the expected import, which agrees with the report of the site's, and the rejected people by line."""
        run, pk = Import(self.tables, expected, files), report["run"]
        keys = {line: key for _, line, key, _ in expected.get("people", ())}
        rows = RejectedRow.objects.filter(file__run=pk, file__source="people").values_list("line", "state")
        states = dict(rows)
        assert states == {line: self.rejected.state(keys[line]) for line in states}
        fixed = {self.rejected.record_of(keys[line]) for line, state in states.items() if state == "fixed"}
        run.run(
            lambda table, row: stored.new_key(pk, table, row) or object(),  # a preview creates nothing
            remove=remove,
            pairs=report["pairs"],
            pairing=pairing is not False,
            choices=choices,
            states=states,
            fixed=fixed,
        )
        self._expect_people(report, run, states)
        return run, {line: keys[line] for line in states} if "people" in expected else None

    def _expect_people(self, report, run, states):
        """Assert that the counts of people, their missing records and their rejected rows are as expected."""
        for source in report["sources"]:
            if source["source"] == "people":
                assert {name: source[name] for name in run.counts} == run.counts
        missing = {entry["pk"] for entry in report["missing"] if entry["source"] == "people"}
        assert missing == set(run.missing)
        for line, (content, _) in run.refused.items():  # a row of a place that a curator deleted is not rejected
            city = dict(content)["place_of_birth"]
            deleted = any(table == "places" and rec.key == city for (table, _), rec in self.tables.deletions.items())
            assert deleted if line not in states else not self.tables.is_deleted("places", city), (line, city)

    def _command(self, dataset, folder, *, remove=False, **options):
        """Import a folder, and return the report."""
        path = Path(self.folder.name, "report.json")
        call_command(
            f"import_{dataset}",
            str(folder),
            "--report",
            str(path),
            delete_missing=remove,
            delete_most=remove,
            verbosity=0,
            reason=self.doors.reason,
            **options,
        )
        return json.loads(path.read_text())


def _counts(report):
    return {source["source"]: {name: source[name] for name in COUNTS} for source in report["sources"]}
