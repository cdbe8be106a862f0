"""The parameters and the length of queries do not grow with the files."""

import json
import sqlite3
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection

from census.models import Occupation, Respondent
from curation.history import edits
from curation.history.undo import undo_run
from datasets.sql.chunks import AT_ONCE
from experiments.models import Compound, User, UserExperiment
from imports.models import ImportRun
from imports.vocabularies import TermIndex
from people.models import Person
from subjects.models import Session, Subject
from tests.work import counted

FEW, MANY = 20, 60
PAGE = 50  # records of a page, which may be queried by key


@contextmanager
def measured():
    """The largest number of parameters and the longest text of the statements in the block.

    An executemany counts as its rows; Django writes at most a thousand rejected rows at a time.
    """
    most = {"parameters": 0, "text": 0}

    def measure(execute, sql, params, many, context):
        if not many and not sql.startswith('INSERT INTO "rejected_rows"'):
            most["text"] = max(most["text"], len(sql))
            most["parameters"] = max(most["parameters"], len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(measure):
        yield most


@pytest.fixture
def growth(monkeypatch):
    """Assert that many items need no larger statements than few; the chunks and lists of keys are small here."""
    monkeypatch.setattr("datasets.sql.chunks.chunks.__defaults__", (10,))
    monkeypatch.setattr("datasets.sql.literal_keys.MOST", 10)

    def growth(do):
        sizes = []
        for count in (FEW, MANY):
            with measured() as most:
                do(count)
            sizes.append(most)
        few, many = sizes
        assert many["parameters"] <= max(few["parameters"], PAGE + 2), sizes
        assert many["text"] <= few["text"] + 40, sizes  # numbers with more digits

    return growth


def subject(number, day=1):
    return json.dumps({"subject_id": f"s{number}", "date_of_birth": f"2024-01-{day:02}"})


def test_folders_of_subjects_are_imported_changed_deleted_and_undone(tmp_path, write, importing, admin_client, growth):
    def do(count):
        folder = f"all{count}"
        for number in range(count):
            write(f"{folder}/ecephys_{count}{number:03}_2025-01-20_15-09-49/subject.json", subject(f"{count}.{number}"))
        importing("subjects", tmp_path / folder)
        importing("subjects", tmp_path / folder)
        for number in range(count // 2):
            name = f"{folder}/ecephys_{count}{number:03}_2025-01-20_15-09-49/subject.json"
            write(name, subject(f"{count}.{number}{'x' * (number % 2)}", 2))
        report = importing("subjects", tmp_path / folder, "--dry-run", "--delete-missing", "--delete-most")
        for tab in ("new", "changed", "missing", "kept"):
            assert admin_client.get(f"/admin/imports/importrun/{report['run']}/change/?tab={tab}").status_code == 200
        edits.delete(Session.objects.filter(name__startswith=f"ecephys_{count}00"), None)
        report = importing("subjects", tmp_path / folder, "--delete-missing", "--delete-most")
        assert report.counts["subjects"]["deleted"] == count // 4
        undo_run(ImportRun.objects.get(pk=report["run"]))
        assert Subject.objects.filter(pk__startswith=f"s{count}.").count() == count

    growth(do)


def test_files_of_people_are_imported_again_with_corrections(tmp_path, write, importing, growth):
    write("places.csv", "city,county,country\nKelso,Roxburghshire,Scotland\n")
    importing("people", tmp_path / "places.csv")
    header = "given_name,family_name,date_of_birth,place_of_birth\n"

    def do(count):
        for number in range(count):
            write(f"all{count}/people{number:03}.csv", f"{header}G{count}-{number},Mac,1901-02-03,Kelso\n")
        importing("people", tmp_path / f"all{count}")
        edits.correct(Person.objects.filter(given_name__startswith=f"G{count}-"), {"family_name": "Oak"}, None)
        edits.delete(Person.objects.filter(given_name__startswith=f"G{count}-1"), None)
        report = importing("people", tmp_path / f"all{count}", "--delete-missing")
        assert report.counts["people"]["kept"] == report.counts["people"]["read"] == count

    growth(do)


def test_one_table_with_many_members_terms_rejections_and_deletions(write, importing, admin_client, growth):
    def do(count):
        base = count * 1000
        compounds = "".join(f"{base + n},C{n},C\n" for n in range(count))
        users = "".join(f"{base + n},U{n},u{n}@example.com,2023-05-01\n" for n in range(count))
        ids = ";".join(str(base + n) for n in range(count))
        unknown = "".join(f"{base + n},{base + 999 - n},{base},never\n" for n in range(1, count))
        write(f"e{count}/compounds.csv", f"compound_id,compound_name,compound_structure\n{compounds}")
        write(f"e{count}/users.csv", f"user_id,name,email,signup_date\n{users}")
        path = write(
            f"e{count}/user_experiments.csv",
            "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
            f"{base},{base},{ids},5\n{base + 1},{base + 998},{base},never\n",
        )
        report = importing("experiments", path.parent)
        assert report.counts["user_experiments"] == {"read": 2, "created": 1, "rejected": 1}
        assert admin_client.get(f"/admin/experiments/userexperiment/{base}/history/").status_code == 200
        experiment = UserExperiment.objects.filter(pk=base)
        edits.correct(experiment, {"compounds": list(Compound.objects.filter(pk__gt=base, pk__lt=base + 999))}, None)
        edits.delete(experiment, None)
        edits.delete(User.objects.filter(pk__gte=base, pk__lt=base + 1000), None)
        path.write_text(path.read_text() + unknown)
        report = importing("experiments", path.parent, "--dry-run")
        assert report.counts["users"]["kept"] == count
        page = admin_client.get(f"/admin/imports/importrun/{report['run']}/change/?tab=kept")
        assert page.status_code == 200

    growth(do)


def test_terms_get_new_keys_if_others_take_theirs_meanwhile(write, importing, transactional_db, monkeypatch):
    taken = []
    reserve_keys = TermIndex.reserve_keys

    def meanwhile(self, count):
        keys = reserve_keys(self, count)
        if self.model is Occupation and not taken:
            taken.append(Occupation.objects.create(pk=keys[0], name="Stored meanwhile"))
        return keys

    monkeypatch.setattr(TermIndex, "reserve_keys", meanwhile)
    rows = "".join(
        f"39, State-gov, 77516, Bachelors, 13, Never-married, Job {n:03}, Not-in-family, White, Male, 2174, 0, 40,"
        " Peru, <=50K\n"
        for n in range(MANY)
    )
    with measured() as most:
        importing("census", write("adult.data", rows))
    assert most["text"] < 5000 and most["parameters"] < AT_ONCE
    stored = Respondent.objects.order_by("pk").values_list("occupation__name", flat=True)
    assert list(stored) == [f"Job {n:03}" for n in range(MANY)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such limit")
def test_a_run_can_have_more_subjects_than_sqlite_accepts_parameters(write, importing):
    """Lower SQLite's limit, so that a small file suffices."""
    documents = "\n".join(subject(number) for number in range(1500))
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    length = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20_000)
    try:
        importing("subjects", write("one/subject.json", documents))
        importing("subjects", write("one/subject.json", documents))
        call_command("undo_import", str(ImportRun.objects.latest("pk").pk), verbosity=0)
    finally:
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, length)
    assert Subject.objects.count() == 1500


def test_an_unchanged_import_reads_only_corrected_records_to_look_for_corrections(write, importing):
    row = "39, ?, {}, Masters, 14, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    work = []
    for count in (100, 4_000):
        path = write(f"adult_{count}.data", "".join(row.format(count + n) for n in range(count)))
        importing("census", path)
        with counted("respondents") as counts:
            assert importing("census", path).counts == {"respondents": {"read": count, "unchanged": count}}
        work.append(counts)
    assert [excess for excess in work[1].excess(work[0]) if "corrections IS NOT NULL" in excess] == []
