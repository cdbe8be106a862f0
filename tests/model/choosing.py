"""Preview people.csv in the browser, choose pairs of rows and records, and apply the run as previewed."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

from django.core.files.uploadedfile import SimpleUploadedFile
from django_tasks_db.models import DBTaskResult
from hypothesis import strategies as st

from curation.admin.reasons import FIELD
from imports import reports
from imports.engine import run_diff
from imports.models import ImportRun
from imports.tasks import work_on
from tests.model import stored
from tests.model.files import rows_of, write_tables
from tests.model.import_steps import DOUBT, ImportingSite
from tests.model.people_files import people_rows
from tests.model.site import DONE

KINDS = ["separate", "pair", "separate again", "pair again"]  # "again" is about a row with an earlier choice
RUNS = "/admin/imports/importrun/"


class ChoosingSite(ImportingSite):
    """What a curator chooses in a preview is applied, and rows and records that the curator separates stay apart."""

    def import_files(self, dataset, data):
        if dataset == "people in the browser":
            self.choose_pairs(data)
        else:
            super().import_files(dataset, data)

    def choose_pairs(self, data):
        """Preview a file, make some choices, each in the next preview, and apply the run."""
        rows = people_rows(data, self.people, self.numbers)
        if rows:
            self.import_with_choices(data, rows, data.draw(st.lists(st.sampled_from(KINDS), max_size=4)))

    def import_with_choices(self, data, rows, kinds):
        """Import a file with choices of some *kinds*, as far as the preview has something to choose."""
        before, choices = stored.raw(), {}
        expected = {"people": rows_of("people", rows, "people.csv")}, {"people": {"people.csv"}}
        run = self._uploaded(rows)
        shown, _ = self._merged(_report(run), *expected)
        for kind in kinds:
            if sent := self._choose(data, kind, shown, choices):
                run = self._send(run, "preview", {"choices": "on", "tab": "changed"} | sent)
                shown, _ = self._merged(_report(run), *expected, choices=choices)
        assert stored.raw() == before
        assert any(DOUBT in note for note in run.notes) == shown.doubtful
        if shown.doubtful:
            assert self._send(run, "apply", {}).status == ImportRun.Status.PREVIEWED
        run = self._send(run, "apply", {"pair": "on"} if shown.doubtful else {})
        assert run.status == ImportRun.Status.APPLIED, run.error
        report = _report(run)
        applied, rejected = self._merged(report, *expected, choices=choices)
        assert (applied.pairs, applied.counts) == (shown.pairs, shown.counts)
        self._store(self.tables.do("run", applied.after), report, before, rejected)
        self.people = rows
        DONE["edited rows"] += len(applied.edited)
        for paired in (True, False):
            DONE["chosen pairs" if paired else "separated pairs"] += sum(c[1] is paired for c in choices.values())

    def _uploaded(self, rows):
        """Upload people.csv and return its preview."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        write_tables(folder, {"people": rows}, "")
        file = SimpleUploadedFile("people.csv", (folder / "people.csv").read_bytes())
        sent = {"dataset": "people", "files": [file], "encoding": "utf-8", "reason": self.doors.reason}
        answer = self.doors.client.post(f"{RUNS}import/", sent)
        assert answer.status_code == 302, answer.text
        return _worked()

    def _send(self, run, verb, fields):
        answer = self.doors.client.post(f"{RUNS}{run.pk}/{verb}/", fields | {FIELD: self.doors.reason})
        assert answer.status_code == 302, answer.text
        return _worked()

    def _choose(self, data, kind, shown, choices):
        """Choose about one row, and return the fields of the form; none if there is nothing to choose."""
        rows = {"separate": shown.pairs, "pair": shown.new if shown.missing else []}[kind.removesuffix(" again")]
        lines = sorted(line for line in rows if (line in choices) == kind.endswith(" again"))
        if not lines:
            return {}
        line = data.draw(st.sampled_from(lines), label="line")
        if kind.startswith("separate"):
            choices[line] = shown.pairs[line], False
            return {f"pair:people:{shown.pairs[line]}": "on"}
        pk = data.draw(st.sampled_from(sorted(shown.missing)), label="record")
        choices[line] = pk, True
        by_row = {f"record:people:{line}:people.csv": str(pk)}
        return by_row if data.draw(st.booleans()) else {f"line:people:{pk}": str(line)}


def _worked():
    """Do the work of the worker, and return the last run."""
    for task in DBTaskResult.objects.ready().filter(task_path__endswith="work_on"):
        work_on.func(SimpleNamespace(task_result=SimpleNamespace(id=task.id)), **task.args_kwargs["kwargs"])
        task.delete()
    return ImportRun.objects.latest("pk")


def _report(run):
    """Return the report of a run from its page."""
    entries = {kind: list(run_diff.entries(run, kind)[:]) for kind in ("changed", "kept", "missing")}
    pairs = [entry for entry in entries["changed"] + entries["kept"] if "pair" in entry]
    by_source = reports.by_source(run)
    return {
        "run": run.pk,
        "notes": run.notes,
        "sources": [{"source": source} | reports.totals(files) for source, files in by_source.items()],
        "pairs": pairs,
        "missing": entries["missing"],
    }
