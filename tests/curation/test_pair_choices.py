"""Pairs of a preview that a curator separates or chooses, and that are applied as previewed."""

import re
from dataclasses import replace

import pytest
from django.core.management import call_command

from curation.history import edits
from imports import pair_choices
from imports.engine import paired_rows
from imports.models import Change, ImportRun
from people.models import Person
from tests.curation.run_pages import do, page, plain

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
NAMES = ["Ann", "Bob", "Cy", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Joe"]
ROWS = [f"{name},{name[::-1].title()}son,19{10 + n}-01-{10 + n},Kelso\n" for n, name in enumerate(NAMES)]
EVA = ROWS[4].replace("Eve", "Eva")  # is paired
NEW = "Frances,Otherson,1999-09-09,Kelso\n"  # is new, and Fay is missing
EDITED = [*ROWS[:4], EVA, NEW, *ROWS[6:]]


def people(rows) -> str:
    return HEADER + "".join(rows)


@pytest.fixture
def pks(curator, previewed):
    """The primary keys of ten people in a file without a key, by name."""
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    return dict(Person.objects.values_list("given_name", "pk"))


@pytest.fixture
def choose(curator):
    """Send choices from the page of a run, and preview again."""

    def choose(run, tab="changed", **fields):
        sent = {"choices": "on", "tab": tab, "page": "1"} | fields
        answer = curator.post(f"/admin/imports/importrun/{run.pk}/preview/", sent)
        if answer.status_code == 302:
            assert answer["Location"] == f"/admin/imports/importrun/{run.pk}/change/?tab={tab}"
            call_command("worker", batch=True)
        run.refresh_from_db()
        return answer

    return choose


def counts(run) -> dict[str, int]:
    return {
        name: n for name, n in run.files.values("read", "created", "updated", "paired", "missing").get().items() if n
    }


@pytest.mark.both_engines
def test_a_separated_pair_is_a_new_row_and_a_missing_record(curator, previewed, pks, choose):
    run = previewed(people=people(EDITED))
    assert counts(run) == {"read": 10, "created": 1, "updated": 1, "paired": 1, "missing": 1}
    content = page(curator, run, "changed")
    assert "Probable change, likeness" in content and "given_name Eve Eva" in content
    choose(run, **{f"pair:people:{pks['Eve']}": "on"})
    assert counts(run) == {"read": 10, "created": 2, "missing": 2}
    assert "Chosen pairs 1 separated" in page(curator, run)
    assert f"chosen: not paired with record {pks['Eve']}" in page(curator, run, "new")
    assert "chosen: not paired with line 6" in page(curator, run, "missing")
    do(curator, run, "apply")
    assert set(Person.objects.values_list("given_name", flat=True)) == {*NAMES, "Eva", "Frances"}


@pytest.mark.both_engines
def test_a_pair_made_by_hand_is_applied_and_undone(curator, previewed, pks, choose):
    edits.correct(Person.objects.filter(pk=pks["Fay"]), {"family_name": "Yaffson"}, None)
    before = list(Person.objects.order_by("pk").values())
    run = previewed(people=people(EDITED))
    choose(run, "new", **{"record:people:7:people.csv": f" {pks['Fay']} "})
    assert counts(run) == {"read": 10, "updated": 2, "paired": 2}
    for status in "previewed", "applied":
        assert run.status == status
        content = page(curator, run, "changed")
        same = "Same record " if status == "previewed" else ""
        assert f"given_name Fay Frances date_of_birth 1915-01-15 1999-09-09 people.csv, line 7 {same}chosen" in content
        assert f"given_name Eve Eva family_name Eveson Evason people.csv, line 6 {same}0." in content
        assert "Chosen pairs 1 paired" in content
        run = do(curator, run, "apply") if status == "previewed" else run
    for name, how in {"Fay": "line 7 · a user paired the row", "Eve": "line 6 · the row was paired"}.items():
        change = Change.objects.get(run=run, record=pks[name])
        history = plain(curator.get(f"/admin/people/person/{pks[name]}/history/"))
        assert f"{how} with this record, likeness {change.likeness:.2f}" in history
        assert f"{change.likeness:.2f}" in content
    person = Person.objects.get(pk=pks["Fay"])
    assert (person.given_name, person.family_name) == ("Frances", "Yaffson")
    assert person.corrections == {"family_name": "Otherson"} and Person.objects.count() == 10
    after = list(Person.objects.order_by("pk").values())
    for command, rows in (("undo_import", before), ("redo_import", after), ("undo_import", before)):
        call_command(command, run.pk, verbosity=0)
        assert list(Person.objects.order_by("pk").values()) == rows


def test_a_missing_record_is_paired_with_a_line(previewed, pks, choose):
    run = previewed(people=people(EDITED))
    choose(run, "missing", **{f"line:people:{pks['Fay']}": "7"})
    assert counts(run) == {"read": 10, "updated": 2, "paired": 2}


def test_a_pair_that_changes_only_a_corrected_value_is_separated_among_the_kept(curator, previewed, pks, choose):
    edits.correct(Person.objects.filter(pk=pks["Eve"]), {"given_name": "Evelyn"}, None)
    run = previewed(people=people([*ROWS[:4], ROWS[4].replace("Eve,", "Eva,"), *ROWS[5:]]))
    assert counts(run) == {"read": 10}
    content = page(curator, run, "kept")
    assert "Probable change" in content and "correction kept" in content and "given_name Evelyn Eva" in content
    choose(run, "kept", **{f"pair:people:{pks['Eve']}": "on"})
    assert counts(run) == {"read": 10, "created": 1, "missing": 1}


@pytest.mark.both_engines
def test_choices_of_several_previews_add_up_until_they_are_withdrawn(curator, previewed, pks, choose):
    run = previewed(people=people(EDITED))
    choose(run, **{f"pair:people:{pks['Eve']}": "on"})
    choose(run, "new", **{"record:people:6:people.csv": str(pks["Fay"]), "record:people:7:people.csv": ""})
    # Line 6 is paired with another record, so its earlier choice no longer counts: Eve may be paired again.
    (choice,) = run.pair_choices
    assert (choice["line"], choice["record"], choice["paired"]) == (6, str(pks["Fay"]), True)
    choose(run, "new", **{"record:people:7:people.csv": str(pks["Eve"])})
    assert counts(run) == {"read": 10, "updated": 2, "paired": 2} and len(run.pair_choices) == 2
    choose(run, **{f"pair:people:{pks['Eve']}": "on", f"same:people:{pks['Eve']}": "on"})
    assert len(run.pair_choices) == 2
    choose(run, choices="withdraw")
    assert run.pair_choices == [] and counts(run) == {"read": 10, "created": 1, "updated": 1, "paired": 1, "missing": 1}


def test_pairs_are_made_by_hand_without_pairing_and_among_too_many_rows(curator, previewed, pks, choose, monkeypatch):
    run = previewed(people=people(EDITED))
    curator.post(f"/admin/imports/importrun/{run.pk}/preview/", {"unpaired": "on"})
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert counts(run) == {"read": 10, "created": 2, "missing": 2}
    choose(run, "new", **{"record:people:7:people.csv": str(pks["Fay"])})
    assert counts(run) == {"read": 10, "created": 1, "updated": 1, "paired": 1, "missing": 1}
    choose(run, **{f"pair:people:{pks['Fay']}": "on"})
    assert counts(run) == {"read": 10, "created": 2, "missing": 2}
    monkeypatch.setattr(paired_rows, "MOST_ROWS", 1)
    run = previewed(people=people(EDITED))
    choose(run, "new", **{"record:people:6:people.csv": str(pks["Fay"])})
    assert counts(run) == {"read": 10, "created": 1, "updated": 1, "paired": 1, "missing": 1}


def test_choices_that_do_not_fit_the_preview_are_refused(previewed, pks, choose):
    fay, dee = pks["Fay"], pks["Dee"]
    run = previewed(people=people([*ROWS[:3], NEW, ROWS[4], NEW.replace("1999", "1989"), *ROWS[6:]]))
    assert counts(run) == {"read": 10, "created": 2, "missing": 2}

    def refusal(fields) -> str:
        answer = choose(run, "new", **fields)
        assert run.status == "previewed" and run.pair_choices == []
        for name, value in fields.items():  # what the user has typed
            assert f'name="{name}"' not in answer.text or f'name="{name}" value="{value}"' in answer.text
        return plain(answer, 400)

    not_missing, not_new = "is not a missing record of this preview. Nothing was changed.", "is not a new row"
    for problem, fields in {
        f"people {fay} is not paired with a row in this preview. Nothing was changed.": {f"pair:people:{fay}": "on"},
        "x 1 is not paired with a row": {"pair:x:1": "on"},
        f"people {pks['Ann']} {not_missing}": {"record:people:5:people.csv": str(pks["Ann"])},
        f"people Fay {not_missing}": {"record:people:5:people.csv": "Fay"},
        f"Line 2 of people.csv {not_new}": {"record:people:2:people.csv": str(fay)},
        f"Line 6 of people.csv {not_new}": {f"line:people:{fay}": "6"},
        f"people {fay} is missing from people.csv, not from other.csv.": {"record:people:5:other.csv": str(fay)},
        f"people {fay}, line of its new version: Expected a whole number": {f"line:people:{fay}": "last"},
        "Line 5 of people.csv is chosen for 2 records.": {f"line:people:{fay}": "5", f"line:people:{dee}": "5"},
        f"people {fay} is chosen for 2 rows.": {f"record:people:{n}:people.csv": str(fay) for n in (5, 7)},
        "There are 2 more problems. Nothing was changed.": {f"pair:people:x{n}": "on" for n in range(7)},
    }.items():
        assert problem in refusal(fields), problem


def test_the_number_of_choices_is_limited(previewed, pks, choose, monkeypatch):
    run = previewed(people=people(EDITED))
    monkeypatch.setattr(pair_choices, "MOST_CHOICES", 1)
    assert choose(run, **{f"pair:people:{pks['Eve']}": "on"}).status_code == 302
    answer = choose(run, "new", **{"record:people:7:people.csv": str(pks["Fay"])})
    assert "at most 1 choices about pairs, but would have 2. Nothing was changed." in plain(answer, 400)


def test_only_the_pairs_of_a_preview_that_the_user_may_see_are_chosen(previewed, pks, choose, curator, staff):
    run = previewed(people=people(EDITED))
    separate = {f"pair:people:{pks['Eve']}": "on"}
    sent = {"choices": "on"} | separate
    assert (
        staff("add_importrun", "view_importrun").post(f"/admin/imports/importrun/{run.pk}/preview/", sent).status_code
        == 403
    )
    curator.force_login(run.started_by)
    do(curator, run, "apply")
    assert f"Run {run.pk} is applied. Only a preview has pairs to choose." in plain(choose(run, **separate), 400)


def test_choices_that_no_longer_apply_are_withdrawn_before_anything_is_applied(curator, previewed, pks, choose):
    run = previewed(people=people(EDITED))
    choose(run, "new", **{"record:people:7:people.csv": str(pks["Fay"])})
    choose(run, **{f"pair:people:{pks['Eve']}": "on"})
    edits.delete(Person.objects.filter(pk=pks["Fay"]), None)
    run = do(curator, run, "apply")
    assert run.status == "previewed" and [choice["record"] for choice in run.pair_choices] == [str(pks["Eve"])]
    content = page(curator, run)
    assert f"Choices about pairs no longer apply: line 7 of people.csv and people {pks['Fay']}." in content
    assert "Review this new preview." in content
    assert do(curator, run, "apply").status == "applied"
    assert set(Person.objects.values_list("given_name", flat=True)) == {*NAMES, "Eva", "Frances"} - {"Fay"}


def test_files_of_the_site_that_have_changed_since_the_preview_are_previewed_again(
    curator, write, settings, pks, choose
):
    folder = write("sources/people/people.csv", people(EDITED)).parent
    settings.SOURCES_DIR = folder.parent
    sent = {"dataset": "people", "configured": "on", "encoding": "utf-8"}
    curator.post("/admin/imports/importrun/import/", sent)
    call_command("worker", batch=True)
    run = ImportRun.objects.latest("pk")
    choose(run, "new", **{"record:people:7:people.csv": str(pks["Fay"])})
    write("sources/people/people.csv", people([*ROWS[:4], EVA, NEW.replace("1999", "1989"), *ROWS[6:]]))
    run = do(curator, run, "apply")
    content = page(curator, run)
    assert run.status == "previewed" and run.pair_choices == []
    assert "The files have changed since the preview." in content and "Choices about pairs no longer apply" in content
    assert do(curator, run, "apply").status == "applied" and Person.objects.filter(given_name="Fay").exists()


@pytest.mark.both_engines
def test_suggestions_are_the_most_similar_records_and_rows(curator, previewed, pks, choose):
    similar = "Fiona,Yafson,1999-09-09,Kelso\n"
    run = previewed(people=people([*ROWS[:4], NEW, similar]))
    address = f"/admin/imports/importrun/{run.pk}/change/"
    new = curator.get(address, {"tab": "new"}).text
    options = new.partition('<datalist id="record:people:7:people.csv">')[2].partition("</datalist>")[0]
    assert options.startswith(f'<option value="{pks["Fay"]}">Fay, Yafson, 1915-01-15, Kelso (line 7)</option>')
    missing = curator.get(address, {"tab": "missing"}).text
    options = missing.partition(f'<datalist id="line:people:{pks["Fay"]}">')[2].partition("</datalist>")[0]
    assert options.startswith('<option value="7">Fiona, Yafson, 1999-09-09, Kelso</option>')


def test_likeness_and_suggestions_do_not_reveal_hidden_values(curator, previewed, pks, monkeypatch):
    listing = replace(Person.listing, personal={"place_of_birth": "experiments.view_email"})
    monkeypatch.setattr(Person, "listing", listing)
    run = previewed(people=people(EDITED))  # line 7 and the missing record have only the hidden value in common
    address = f"/admin/imports/importrun/{run.pk}/change/"
    changed, new = (curator.get(address, {"tab": tab}).text for tab in ("changed", "new"))
    assert "Same record" in changed and not re.search(r"0\.\d\d", changed.partition("run-changes")[2])
    assert '<datalist id="record:people:7:people.csv"></datalist>' in new
    do(curator, run, "apply")
    history = plain(curator.get(f"/admin/people/person/{pks['Eve']}/history/"))
    assert "the row was paired with this record" in history and "likeness" not in history
