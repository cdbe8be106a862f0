"""Fix, ignore and open again the rejected rows of people.csv."""

import tempfile
from pathlib import Path

from hypothesis.stateful import invariant

from curation.admin.reasons import FIELD
from imports.models import ImportRun, RejectedRow, ResolvedRow
from imports.worklist import rows_in
from tests.model import stored
from tests.model.choosing import ChoosingSite
from tests.model.files import write_tables
from tests.model.importing import Import
from tests.model.site import DONE, one_of

WORKLIST = "/admin/imports/rejectedrow/worklist/people/"


class RejectingSite(ChoosingSite):
    """A rejected row is open until it is fixed or ignored, and is open again if its fix is undone."""

    @invariant(check_during_init=True)
    def the_worklist_has_the_open_rows(self):
        rows = rows_in("people").filter(file__source="people")
        assert sorted(rows.values_list("line", flat=True)) == self.rejected.in_state("open")

    @invariant(check_during_init=True)
    def ignored_rows_have_their_reasons(self):
        reasons = ResolvedRow.objects.filter(state="ignored").values_list("reason", flat=True)
        assert sorted(reasons) == sorted(self.rejected.ignored.values())

    def work_on_rejected(self, kind, which, place):
        match kind:
            case "fix":
                self.fix(which, place)
            case "ignore":
                self.ignore(which)
            case "open again":
                self.open_again(which)

    def fix(self, which, place):
        """Import a rejected row with another place of birth."""
        line = one_of(self.rejected.in_state("open", "ignored"), which)
        rejecting, keys = self.rejected.last_import()
        city = self.tables.records["places", one_of(sorted(self.tables.of("places")), place)].key
        row = dict(keys[line][0]) | {"place_of_birth": city}
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        write_tables(folder, {"people": [{"line": line, "problems": ""} | row]}, f".csv.rejected-{rejecting.handle.pk}")
        before = stored.raw()
        key = (tuple(sorted(row.items())), 1)
        run = Import(self.tables, {"people": [("people.csv", line, key, row)]}, {})
        report = self._command("people", folder)
        assert not report["pairs"]
        action = run.merge(lambda table, row: stored.new_key(report["run"], table, row))
        action.handle, action.rows, self.latest = ImportRun.objects.get(pk=report["run"]), before, action
        pk = self.tables.find("people", key)
        if pk is not None:
            self.rejected.fixes.append((keys[line], action, ("people", pk)))
            DONE["fixed rows"] += 1

    def ignore(self, which):
        line = one_of(self.rejected.in_state("open"), which)
        self._post(line, "open", "_ignore")
        self.rejected.ignored[self.rejected.last_import()[1][line]] = self.doors.reason

    def open_again(self, which):
        line = one_of(self.rejected.in_state("ignored"), which)
        self._post(line, "ignored", "_reopen")
        del self.rejected.ignored[self.rejected.last_import()[1][line]]

    def _post(self, line, state, button):
        row = RejectedRow.objects.filter(file__run__status="applied", file__source="people", line=line).latest("pk")
        form = {"_selected_action": row.pk, button: "", FIELD: self.doors.reason}
        answer = self.doors.client.post(f"{WORKLIST}?state={state}", form)
        assert answer.status_code == 302
