"""Small work stays small in large tables: each scenario runs with few and with ten times as many records."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, override_settings

from census.models import Respondent
from curation.history import edits
from curation.history.undo import redo_edit, redo_run, undo_edit, undo_run
from experiments.models import User, UserExperiment
from imports.engine.run import Options, import_files
from imports.models import Change, Edit, ImportRun
from tests.fast_flush import empty_now
from tests.import_helpers import imported
from tests.work import Work, counted
from tests.work_records import TABLES, insert

pytestmark = pytest.mark.django_db
FEW, MANY = 3_000, 30_000
PAGES = (
    "/admin/",
    "/admin/census/respondent/?p=2",
    "/admin/experiments/user/?q=U1",
    "/admin/experiments/user/?email__icontains=example",
    "/explore/census/respondents/",
    "/explore/census/respondents/?sex=Male&ordering=-id",
    "/explore/experiments/users/?search=U1",
    "/explore/experiments/users/?ordering=-signup_date",
    "/explore/census/respondents/export/",
    "/api/census/respondents/?sex=Male",
)
COUNTING = ("pagination", "facets", "filter_widgets")  # modules
NEW = 100  # numbers that the scenarios may use for records between two insertions
CENSUS = "{age}, ?, {number}, Term, 9, Term, Term, Term, Term, Male, 0, 0, {hours}, Term, <=50K\n"


class Small:
    """Edits, undos and imports of ten records in the tables that end at *last*."""

    def __init__(self, folder: Path, last: int):
        self.folder, self.last = folder, last
        folder.mkdir()
        first = last // 10  # other records for each size
        self.keys = {
            model: list(model.objects.order_by("pk").values_list("pk", flat=True)[first : first + 20])
            for model in (Respondent, User)
        }
        self.keys[UserExperiment] = self.keys[User]

    def records(self, model, start=0):
        return model.objects.filter(pk__in=self.keys[model][start : start + 10])

    def correct_records(self):
        edits.correct(self.records(Respondent), {"hours_per_week": 61}, None)
        edits.correct(self.records(User), {"name": "Ann"}, None)
        edits.correct(self.records(UserExperiment), {"compounds": []}, None)

    def undo_and_redo_a_correction(self):
        edit = Edit.objects.filter(dataset="census").latest("pk")
        undo_edit(edit)
        redo_edit(edit)

    def revert_corrections(self):
        edits.revert(self.records(User), "name", None)
        edits.revert(self.records(UserExperiment), "compounds", None)

    def delete_records(self):
        for model in (UserExperiment, User, Respondent):
            edits.delete(self.records(model, 10), None)

    def restore_records(self):
        edits.restore(Change.objects.filter(edit=Edit.objects.latest("pk")), Respondent, None)

    def undo_a_restoration(self):
        undo_edit(Edit.objects.latest("pk"))

    def census_file(self, numbers, hours=40):
        rows = "".join(CENSUS.format(age=n % 80, number=self.last + n, hours=hours) for n in numbers)
        (self.folder / f"adult_{self.last}.data").write_text(rows)

    def import_census(self, **options):
        imported("import_census", self.folder, no_refresh=True, **options)

    def import_a_new_file(self):
        self.census_file(range(10))
        self.import_census()

    def import_it_again(self):
        self.import_census()

    def import_it_with_edited_and_missing_rows(self):
        self.census_file(range(8), hours=41)
        self.import_census(delete_missing=True, pairing=True)

    def import_it_after_a_preview(self):
        self.census_file(range(9), hours=41)
        run = import_files("census", [self.folder], Options(dry_run=True)).run
        ImportRun.objects.filter(pk=run.pk).update(status=ImportRun.Status.WAITING)
        assert import_files("census", [self.folder], run=run).run.status == ImportRun.Status.APPLIED

    def undo_and_redo_a_run(self):
        run = ImportRun.objects.filter(dataset="census").latest("pk")
        undo_run(run)
        redo_run(run)

    def undo_a_run_that_created_records(self):
        runs = ImportRun.objects.filter(dataset="census").order_by("-pk")
        undo_run(runs[0])
        undo_run(runs[1])
        undo_run(runs[3])

    def import_rows_with_keys(self):
        keys = range(self.last - 10, self.last + 10)
        users = "".join(f"{n},V{n},v{n}@example.org,2023-01-01\n" for n in keys)
        experiments = "".join(f"{n},{n},1,6\n" for n in keys)
        folder = self.folder / "experiments"
        folder.mkdir()
        (folder / f"users_{self.last}.csv").write_text(f"user_id,name,email,signup_date\n{users}")
        head = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
        (folder / f"user_experiments_{self.last}.csv").write_text(head + experiments)
        imported("import_experiments", folder, no_refresh=True)

    def undo_rows_with_keys(self):
        undo_run(ImportRun.objects.latest("pk"))

    def show_pages(self):
        reader = Client()
        reader.force_login(get_user_model().objects.get_or_create(username="ada", is_staff=True, is_superuser=True)[0])
        for address in PAGES:
            assert reader.get(address).status_code == 200, address
        page = reader.get("/api/census/respondents/?ordering=-id").json()
        assert reader.get(page["next"]).status_code == 200
        for page in ("change", "history"):
            assert reader.get(f"/admin/census/respondent/{self.keys[Respondent][0]}/{page}/").status_code == 200

    def query_badly(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM respondents r WHERE CAST(r.id AS text) = '5'")
            if connection.vendor == "postgresql":
                cursor.execute("ANALYZE respondents (age)")


SCENARIOS: dict[str, Callable[[Small], None]] = {
    name.replace("_", " "): do
    for name, do in vars(Small).items()
    if name.partition("_")[0] in ("correct", "undo", "revert", "delete", "restore", "import", "show")
    and name != "import_census"
}


@pytest.fixture(scope="module")
def measured(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[tuple[dict[str, Work], dict[str, Work]]]:
    """The work of each scenario with few and with many records."""
    folder = tmp_path_factory.mktemp("small")
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=folder / "media", QUERY_SECONDS=0),
        pytest.MonkeyPatch.context() as patch,
    ):
        for sample in ("imports.engine.paired_rows.SAMPLE", *(f"datasets.records.{name}.COUNTED" for name in COUNTING)):
            patch.setattr(sample, 500)  # the same number of records of both sizes
        try:
            insert(1, FEW)
            few = work_of_each(Small(folder / "few", FEW))
            insert(FEW + NEW, MANY)
            yield few, work_of_each(Small(folder / "many", MANY))
        finally:
            empty_now()


def work_of_each(small: Small) -> dict[str, Work]:
    done = {}
    for name, do in [*SCENARIOS.items(), ("query badly", Small.query_badly)]:
        with counted(*TABLES) as done[name]:
            do(small)
    return done


@pytest.mark.parametrize("name", SCENARIOS)
def test_work_does_not_grow_with_the_tables(measured, name):
    few, many = measured
    assert many[name].statements, "no statement was counted"
    problems = [*many[name].excess(few[name]), *many[name].scans, *many[name].whole]
    assert not problems, "\n".join(problems)


def test_a_query_of_the_whole_table_is_noticed(measured):
    few, many = (works["query badly"] for works in measured)
    assert len(many.excess(few)) == (2 if connection.vendor == "postgresql" else 1)
    assert [len(many.scans), len(many.whole)] == ([0, 1] if connection.vendor == "postgresql" else [1, 0])
