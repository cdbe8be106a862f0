"""The changes of a preview over HTTP, and choices about its pairs, which the next preview shows and the run applies."""

import json
from dataclasses import replace

import pytest

from people.models import Person
from tests.curation.test_pair_choices import EDITED, NAMES, PLACES, ROWS, people

pytestmark = pytest.mark.only_on("sqlite")

CURATOR = ("add_importrun", "view_importrun", "view_place", "view_person")


@pytest.fixture
def curator(asking):
    return asking(*CURATOR)


@pytest.fixture
def pks(curator):
    """The primary keys of ten people in a file without a key, by name."""
    curator.worked(curator.send(files={"places": PLACES, "people": people(ROWS)}))
    return {name: str(pk) for name, pk in Person.objects.values_list("given_name", "pk")}


@pytest.fixture
def run(curator, pks):
    """A preview in which Eve is paired with line 6, line 7 is new, and Fay is missing."""
    return curator.worked(curator.send(files={"people": people(EDITED)}, mode="preview"))


def post(client, run, sent, verb="preview"):
    return client.post(f"/api/imports/{run['id']}/{verb}/", json.dumps(sent), content_type="application/json")


def changes(client, run, kind="changed", **parameters):
    answer = client.get(f"/api/imports/{run['id']}/changes/", {"kind": kind} | parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def counts(run) -> dict[str, int]:
    (source,) = run["sources"]
    return {name: source[name] for name in ("created", "updated", "paired", "missing") if source[name]}


@pytest.mark.both_engines
def test_the_changes_of_a_preview_are_listed_and_its_pairs_are_chosen_and_applied(curator, pks, run):
    assert run["links"]["changes"].endswith(f"/api/imports/{run['id']}/changes/")
    (pair,) = changes(curator, run)
    assert 0 < pair.pop("likeness") < 1
    entry = {"source": "people", "file": "people.csv", "columns": [], "pair": None, "likeness": None}
    differing = ["given_name", "family_name"]
    assert entry | pair == entry | {"record": pks["Eve"], "line": 6, "columns": differing, "pair": "paired"}
    assert changes(curator, run, "new") == [entry | {"record": None, "line": 7}]
    assert changes(curator, run, "missing") == [entry | {"record": pks["Fay"], "line": 7}]
    assert changes(curator, run, "kept") == []

    separate, fay = {"source": "people", "record": pks["Eve"]}, {"source": "people", "record": pks["Fay"], "line": 7}
    answer = post(curator, run, {"pair_choices": [separate, fay]})
    assert (answer.status_code, answer["Location"]) == (202, run["url"])
    again = curator.worked(run)
    assert again["status"] == "previewed" and counts(again) == {"created": 1, "updated": 1, "paired": 1, "missing": 1}
    chosen = {(choice["record"], choice["line"], choice["paired"]) for choice in again["pair_choices"]}
    assert chosen == {(pks["Eve"], 6, False), (pks["Fay"], 7, True)}
    (pair,) = changes(curator, run)
    assert (pair["record"], pair["line"], pair["pair"]) == (pks["Fay"], 7, "chosen")
    assert Person.objects.filter(given_name="Fay").exists()

    assert post(curator, run, {}, "apply").status_code == 202
    applied = curator.worked(run)
    assert applied["status"] == "applied" and counts(applied) == counts(again)
    assert set(Person.objects.values_list("given_name", flat=True)) == {*NAMES, "Eva", "Frances"} - {"Fay"}
    assert Person.objects.get(given_name="Frances").pk == int(pks["Fay"])
    (new,) = changes(curator, run, "new")
    assert new["record"] == str(Person.objects.get(given_name="Eva").pk)
    answer = post(curator, run, {"pair_choices": [separate]})
    assert answer.status_code == 409 and answer.json()["run"] == run["url"]


def test_choices_are_withdrawn_and_other_options_are_previewed(curator, pks, run):
    post(curator, run, {"pair_choices": [{"source": "people", "record": pks["Eve"], "line": None}]})
    assert counts(curator.worked(run)) == {"created": 2, "missing": 2}
    post(curator, run, {"pair_choices": None})
    again = curator.worked(run)
    assert again["pair_choices"] == [] and counts(again) == {"created": 1, "updated": 1, "paired": 1, "missing": 1}
    post(curator, run, {"pairing": "off", "delete_missing": True})
    again = curator.worked(run)
    assert (again["pairing"], again["delete_missing"], counts(again)) == ("off", True, {"created": 2, "missing": 2})


def test_choices_that_do_not_fit_the_preview_are_refused(curator, pks, run):
    fay = {"source": "people", "record": pks["Fay"]}
    for choice, problem in (
        (fay, f"people {pks['Fay']} is not paired with a row in this preview. Nothing was changed."),
        (fay | {"line": 2}, "Line 2 of people.csv is not a new row of this preview."),
        (
            fay | {"line": 7, "file": "other.csv"},
            f"people {pks['Fay']} is missing from people.csv, not from other.csv.",
        ),
        (fay | {"record": pks["Ann"], "line": 7}, f"people {pks['Ann']} is not a missing record of this preview."),
        (fay | {"line": "7"}, "pair_choices[0].line: Expected a whole number, found 7."),
        (fay | {"line": 0}, "pair_choices[0].line: Expected a whole number between 1 and"),
        (fay | {"lines": 7}, "pair_choices[0].lines: Unknown parameter. Did you mean"),
        (pks["Fay"], "pair_choices[0]: Expected a JSON object."),
        (["line"], "pair_choices[0]: Expected a JSON object."),
    ):
        answer = post(curator, run, {"pair_choices": [choice]})
        assert answer.status_code == 400 and "pair_choices" in answer.text and problem in answer.json()["detail"], (
            answer.text
        )
    too_many = post(curator, run, {"pair_choices": [fay] * 1001})
    assert too_many.status_code == 400 and "1000" in too_many.text
    assert post(curator, run, {"pair_choice": []}).status_code == 400
    assert curator.get(run["url"]).json()["status"] == "previewed"


def test_changes_are_paginated(curator, pks, run):
    first = curator.send(files={"people": people(ROWS[:4])}, mode="preview", pairing="off")
    curator.worked(first)
    address, found = f"/api/imports/{first['id']}/changes/?kind=missing&page_size=4", []
    while address:
        page = curator.get(address).json()
        found.append([entry["record"] for entry in page["results"]])
        address = page["next"]
    assert found == [[pks[name] for name in NAMES[4:8]], [pks[name] for name in NAMES[8:]]]
    assert curator.get(page["previous"]).json()["results"][0]["record"] == pks["Eve"]
    for cursor in ("-1", "6", "x", "9" * 30):
        answer = curator.get(f"/api/imports/{first['id']}/changes/", {"kind": "missing", "cursor": cursor})
        assert answer.status_code == 400 and "next or previous link" in answer.text, cursor
    assert changes(curator, first, "new") == []
    waiting = curator.send(files={"people": people(ROWS)}, mode="preview")
    answer = curator.get(f"/api/imports/{waiting['id']}/changes/")
    assert answer.status_code == 404 and "are not stored" in answer.json()["detail"]


def test_changes_need_the_permission_to_view_the_tables_and_do_not_reveal_hidden_values(asking, run, monkeypatch):
    without = asking("add_importrun", "view_importrun", "view_place", name="without")
    assert without.get(f"/api/imports/{run['id']}/changes/").status_code == 403
    assert post(without, run, {"pair_choices": []}).status_code == 403
    listing = replace(Person.listing, personal={"date_of_birth": "experiments.view_email"})
    monkeypatch.setattr(Person, "listing", listing)
    (pair,) = changes(asking(*CURATOR, name="hidden"), run)
    assert (pair["columns"], pair["likeness"]) == (["given_name", "family_name"], None)
    monkeypatch.setattr(Person, "listing", replace(listing, personal={"given_name": "experiments.view_email"}))
    (pair,) = changes(asking(*CURATOR, name="hidden too"), run)
    assert pair["columns"] == ["family_name"]
