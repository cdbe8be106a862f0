"""Edited rows of files without a key are paired with their records, which change and keep their keys."""

import random

import pytest
from django.core.management import call_command

from curation.history import edits
from curation.history.undo import undo_run
from curation.history.undo_result import UndoRefusedError
from imports.engine import paired_rows
from imports.models import Change, ImportRun, SourceFile
from people.models import Person
from people.sources import People

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\nBath,Somerset,England\n"
NAMES = ["Ann", "Bob", "Cy", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Joe"]
ROWS = [
    f"{name},{name[::-1].title()}son,19{10 + n}-0{1 + n % 9}-1{n % 9},{['Kelso', 'Derry', 'Bath'][n % 3]}\n"
    for n, name in enumerate(NAMES)
]


def people(rows=ROWS, **replaced) -> str:
    text = HEADER + "".join(rows)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def ten(write, importing):
    """Ten people, in a file without a key."""
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", people()))
    return dict(Person.objects.values_list("given_name", "pk"))


def test_an_edited_row_changes_its_record(write, importing, ten):
    report = importing("people", write("people.csv", people(Fay="Fiona")))
    person = Person.objects.get(pk=ten["Fay"])
    assert report.counts == {"people": {"read": 10, "updated": 1, "unchanged": 9, "paired": 1}}
    assert person.given_name == "Fiona" and Person.objects.count() == 10
    assert person.created_in.run_id < person.changed_in.run_id == report["run"] and person.changed_line == 7
    change = Change.objects.get(run=report["run"])
    assert (change.kind, change.record) == ("updated", str(person.pk))
    assert (change.before["given_name"], change.after["given_name"]) == ("Fay", "Fiona")
    assert change.before["identity"] != change.after["identity"]
    again = importing("people", write("people.csv", people(Fay="Fiona")))
    assert again.counts == {"people": {"read": 10, "unchanged": 10}}


def test_the_report_lists_the_pairs_with_the_columns_that_differ_and_their_likeness(write, importing, ten):
    report = importing("people", write("people.csv", people(Fay="Fiona")))
    (pair,) = report["pairs"]
    assert 0.5 < pair.pop("likeness") < 1
    assert pair == {
        "source": "people",
        "record": str(ten["Fay"]),
        "file": "people.csv",
        "line": 7,
        "columns": ["given_name"],
    }


def test_undo_and_redo_restore_records_and_identities_exactly(write, importing, ten):
    before = list(Person.objects.order_by("pk").values())
    report = importing("people", write("people.csv", people(Fay="Fiona", Gus="Angus")))
    assert report.counts["people"]["paired"] == 2
    after = list(Person.objects.order_by("pk").values())
    call_command("undo_import", report["run"], verbosity=0)
    assert list(Person.objects.order_by("pk").values()) == before
    call_command("redo_import", report["run"], verbosity=0)
    assert list(Person.objects.order_by("pk").values()) == after
    call_command("undo_import", report["run"], verbosity=0)
    assert importing("people", write("people.csv", people())).counts == {"people": {"read": 10, "unchanged": 10}}


def test_an_undo_that_restores_an_identity_names_the_other_record_that_has_it(write, importing, ten):
    edits.correct(Person.objects.filter(pk=ten["Fay"]), {"given_name": "Faye"}, None)
    paired = importing("people", write("people.csv", people(Fay="Fiona")))["run"]  # the correction is kept
    created = importing("people", write("people.csv", people()), "--no-pairing")["run"]
    with pytest.raises(UndoRefusedError) as refusal:
        undo_run(ImportRun.objects.get(pk=paired))
    (conflict,) = refusal.value.conflicts
    assert conflict.sentence.startswith("The identity is already used by 1 person")
    assert [blocker.action.pk for blocker in conflict.blockers] == [created]
    deletion = edits.delete(Person.objects.filter(created_in__run=created), None)
    with pytest.raises(UndoRefusedError, match="A curator has deleted records with the same key: 1 person") as refusal:
        undo_run(ImportRun.objects.get(pk=paired))
    assert [blocker.action for blocker in refusal.value.conflicts[0].blockers] == [deletion]
    call_command("undo_import", paired, blockers_first=True, verbosity=0)
    person = Person.objects.get(pk=ten["Fay"])
    assert (person.given_name, person.corrections) == ("Faye", {"given_name": "Fay"})


def test_a_correction_stands_against_an_edited_row_and_counts_as_kept(write, importing, ten):
    edits.correct(Person.objects.filter(pk=ten["Fay"]), {"given_name": "Faye"}, None)
    report = importing("people", write("people.csv", people(**{"Yafson": "Yaffson"})))
    assert report.counts == {"people": {"read": 10, "updated": 1, "unchanged": 9, "kept": 1, "paired": 1}}
    person = Person.objects.get(pk=ten["Fay"])
    assert (person.given_name, person.family_name, person.corrections) == ("Faye", "Yaffson", {"given_name": "Fay"})
    # The file edits the corrected cell itself: the correction stands, and remembers the new value of the file.
    report = importing("people", write("people.csv", people(Fay="Fiona", Yafson="Yaffson")))
    assert report.counts == {"people": {"read": 10, "unchanged": 10, "kept": 1}}
    person.refresh_from_db()
    assert (person.given_name, person.corrections) == ("Faye", {"given_name": "Fiona"})


def test_without_pairing_the_edited_row_is_a_new_record(write, importing, ten):
    report = importing("people", write("people.csv", people(Fay="Fiona")), "--no-pairing")
    assert report.counts == {"people": {"read": 10, "created": 1, "unchanged": 9, "missing": 1}}
    assert report["pairs"] == []
    assert {*NAMES, "Fiona"} == set(Person.objects.values_list("given_name", flat=True))


@pytest.mark.parametrize("edited", [{"Fay": "Fiona"}, {"1915-06-15": "1916-05-16"}, {"Eve": "Eva", "Edison": "Adison"}])
def test_rows_are_paired_wherever_they_have_moved(write, importing, ten, edited):
    (first, *_), rows = edited, list(ROWS)
    random.Random(1).shuffle(rows)
    report = importing("people", write("people.csv", people(rows, **edited)))
    assert report.counts["people"]["paired"] == report.counts["people"]["updated"] == 1, first


def test_of_two_differing_values_a_typo_and_a_near_date_show_the_record(write, importing):
    importing("people", write("places.csv", PLACES))
    draw = random.Random(1)
    names = ["".join(draw.choices("abdegiklmnorstuv", k=8)) for _ in range(300)]
    others = [f"{draw.choice(NAMES)},{name},{draw.randint(1801, 1999)}-01-11,Kelso\n" for name in names]
    ann = "Ann,Fairweather,1901-02-03,Derry\n"
    importing("people", write("people.csv", people([*others, ann])))
    # Both moved to the first line. The first is another Ann of Derry.
    for row, pairs in ("Ann,Goldsmith,1977-12-30,Derry\n", 0), ("Ann,Fairwether,1901-03-02,Derry\n", 1):
        report = importing("people", write("people.csv", people([row, *others])), "--dry-run")
        assert report.counts["people"].get("paired", 0) == pairs, row


def test_rows_that_only_share_common_values_are_not_paired(write, importing):
    importing("people", write("places.csv", PLACES))
    common = [f"N{n},Mac,1901-02-03,Kelso\n" for n in range(30)]
    importing("people", write("people.csv", people([*ROWS, *common])))
    report = importing("people", write("people.csv", people([*ROWS, *common[:-1], "Dot,Mac,1901-02-03,Kelso\n"])))
    assert report.counts["people"] == {"read": 40, "created": 1, "unchanged": 39, "missing": 1}


def test_ties_are_not_paired(write, importing, ten):
    twins = "Kit,Vandermeer,1888-08-08,Derry\n"
    importing("people", write("people.csv", people([*ROWS, twins, twins.replace("Kit", "Kat")])))
    # The row might be either of two records, and its line does not show which.
    moved = [twins.replace("Kit", "Kim"), *ROWS]
    report = importing("people", write("people.csv", people(moved)))
    assert report.counts["people"] == {"read": 11, "created": 1, "unchanged": 10, "missing": 2}


def test_an_identity_hint_names_columns_that_pairs_must_share(write, importing, ten, monkeypatch):
    monkeypatch.setattr(People, "identity_hint", ("given_name",))
    report = importing("people", write("people.csv", people(Fay="Fiona", Guson="Gusson", Sugson="Sugarson")))
    (pair,) = report["pairs"]
    assert pair["columns"] == ["family_name"]
    assert report.counts["people"] == {
        "read": 10,
        "created": 1,
        "updated": 1,
        "unchanged": 8,
        "missing": 1,
        "paired": 1,
    }


def test_rows_are_paired_within_their_own_file(write, importing):
    importing("people", write("places.csv", PLACES))
    first, second = people(ROWS[:6]), people(ROWS[6:])
    importing("people", write("all/people_1.csv", first), write("all/people_2.csv", second))
    # A row that moves to the other file with an edit is no edited row of that file.
    report = importing(
        "people",
        write("all/people_1.csv", people(ROWS[:5])),
        write("all/people_2.csv", people([*ROWS[6:], ROWS[5].replace("Fay", "Fiona")])),
    )
    assert report.counts["people"] == {"read": 10, "created": 1, "unchanged": 9, "missing": 1}


MOST = dict(zip(NAMES[:6], ["Anna", "Rob", "Cyr", "Deedee", "Eva", "Fiona"], strict=True))


def test_a_file_of_which_less_than_half_matches_is_not_paired_silently(write, importing, refused, ten, whole):
    before = whole("people")
    sentence = refused("people", write("people.csv", people(**MOST)))
    assert sentence == (
        "Only 4 of 10 records still match people.csv, so it may be another file. Choose whether to pair edited rows "
        "with their records (“pairing” on), or to import them as new records (“pairing” off). Nothing was imported. "
        "On the command line: --pairing or --no-pairing."
    )
    assert whole("people") == before and ImportRun.objects.first().status == "failed"
    preview = importing("people", write("people.csv", people(**MOST)), "--dry-run")
    assert preview["notes"] == [sentence.partition(" Nothing was")[0]] and whole("people") == before
    report = importing("people", write("people.csv", people(**MOST)), "--pairing")
    assert report.counts["people"] == {"read": 10, "updated": 6, "unchanged": 4, "paired": 6}


def test_a_file_that_is_not_paired_silently_is_named_as_it_is_written(write, importing, refused):
    importing("people", write("places.csv", PLACES))
    importing("people", write("People_South.csv", people()))
    sentence = refused("people", write("People_South.csv", people(**MOST)))
    assert sentence.startswith("Only 4 of 10 records still match People_South.csv, so")


def test_a_file_that_has_grown_and_an_excerpt_match(write, importing, ten):
    grown = [f"N{n:02},New{n},20{n:02}-01-02,Bath\n" for n in range(25)]
    report = importing("people", write("people.csv", people([*ROWS, *grown], Fay="Fiona")))
    assert report.counts["people"] == {"read": 35, "created": 25, "updated": 1, "unchanged": 9, "paired": 1}
    report = importing("people", write("people.csv", people(ROWS[:6], Fay="Fiona", Eve="Eva")))
    assert report.counts["people"] == {"read": 6, "updated": 1, "unchanged": 5, "missing": 29, "paired": 1}


def test_too_many_rows_are_not_paired_and_a_note_says_so(write, importing, ten, monkeypatch):
    monkeypatch.setattr(paired_rows, "MOST_ROWS", 1)
    report = importing("people", write("people.csv", people(Fay="Fiona", Gus="Angus")))
    assert report.counts["people"] == {"read": 10, "created": 2, "unchanged": 8, "missing": 2}
    assert report["notes"] == [
        "people: 2 new rows, 2 missing records. Edited rows are paired with their records only if there are at most 1 "
        "of each."
    ]


def test_an_edited_row_of_an_export_is_paired_by_the_stored_values(write, importing, tmp_path, admin_user, ten):
    edits.correct(Person.objects.filter(pk=ten["Fay"]), {"given_name": "Faye"}, None)
    file = tmp_path / "people.csv"
    call_command("export", "people/people", "-o", str(file), "--as-user", "admin", verbosity=0)
    file.write_text(file.read_text().replace("Yafson", "Yaffson"))
    report = importing("people", file)
    assert report.counts["people"]["paired"] == 1 and report.counts["people"]["updated"] == 1
    person = Person.objects.get(pk=ten["Fay"])
    assert (person.given_name, person.family_name, person.corrections) == ("Faye", "Yaffson", {"given_name": "Fay"})


def test_the_row_of_a_fixed_row_that_is_mended_at_its_source_takes_its_place(write, importing, ten):
    broken = [*ROWS, "Kit,Vandermeer,1888-02-31,Derry\n"]
    run = importing("people", write("people.csv", people(broken)))["run"]
    fixed = f"line,problems,{HEADER}12,,Kit,Vandermeer,1888-02-28,Derry\n"
    importing("people", write(f"people.csv.rejected-{run}.csv", fixed))
    record = Person.objects.get(given_name="Kit").pk
    report = importing("people", write("people.csv", people([*ROWS, "Kit,Vandermeer,1888-03-02,Derry\n"])))
    assert report.counts["people"] == {"read": 11, "updated": 1, "unchanged": 10, "paired": 1}
    assert str(Person.objects.get(pk=record).date_of_birth) == "1888-03-02"


def test_pairs_are_counted_in_the_files_of_a_run(write, importing, ten):
    run = importing("people", write("people.csv", people(Fay="Fiona")))["run"]
    assert SourceFile.objects.get(run=run).paired == 1
