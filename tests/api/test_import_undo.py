"""A blocked undo over HTTP: the changes that block it are listed, and can be undone with it after a preview."""

import json

import pytest

from curation.history import edits
from imports.models import Edit
from people.models import Person, Place

pytestmark = pytest.mark.only_on("sqlite")

TOWNS = [f"Town {n:02}" for n in range(12)]
PLACES = "city,county,country\n" + "".join(f"{town},Fife,Scotland\n" for town in TOWNS)
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Town 00\n"
CURATOR = ("view_importrun", "undo_importrun", "add_importrun", "view_edit", "view_place", "change_place")
FIRST = {"blockers_first": True}


@pytest.fixture
def curator(asking):
    return asking(*CURATOR)


@pytest.fixture
def run(curator):
    """An import of places, of which one is corrected and one is the birthplace of an imported person."""
    run = curator.worked(curator.send(files={"places": PLACES}))
    edits.correct(Place.objects.filter(city="Town 00"), {"county": "Angus"}, None)
    curator.worked(curator.send(files={"people": PEOPLE}))
    return run


def post(client, run, sent, verb="undo"):
    return client.post(f"/api/imports/{run['id']}/{verb}/", json.dumps(sent), content_type="application/json")


def steps_of(answer):
    return [(step["step"], step["target"]["kind"], step["target"]["id"]) for step in answer.json()["steps"]]


@pytest.mark.both_engines
def test_a_refused_undo_lists_the_records_imports_and_edits_that_block_it(curator, run):
    answer = post(curator, run, {})
    assert answer.status_code == 409 and answer["Content-Type"] == "application/problem+json"
    assert "To undo the changes that block it first, send blockers_first." in answer.json()["detail"]
    place, edit = Place.objects.get(city="Town 00"), Edit.objects.get()
    (conflict,) = answer.json()["conflicts"]
    assert conflict == {
        "reason": f"Changed later: 1 place ({place.pk}).",
        "records": [{"id": str(place.pk), "url": f"http://testserver/api/people/places/{place.pk}/"}],
        "records_total": 1,
        "blockers": [
            {
                "kind": "edit",
                "id": edit.pk,
                "url": f"http://testserver/admin/imports/edit/{edit.pk}/change/",
                "records": 1,
            }
        ],
        "blockers_total": 1,
    }
    assert curator.get(conflict["records"][0]["url"]).json()["city"] == "Town 00"
    edits.revert(Place.objects.filter(city="Town 00"), "county", None)
    (conflict,) = post(curator, run, {}).json()["conflicts"]
    assert "Created places are used by 1 person" in conflict["reason"]
    assert curator.get(conflict["blockers"][0]["url"]).json()["id"] == run["id"] + 1


@pytest.mark.both_engines
def test_changes_that_block_an_undo_are_undone_first_after_a_preview(curator, run):
    correction = Edit.objects.get()
    expected = [("undo", "run", run["id"] + 1), ("undo", "edit", correction.pk), ("undo", "run", run["id"])]
    preview = post(curator, run, FIRST | {"mode": "preview"})
    assert preview.status_code == 200 and preview.json()["status"] == "applied"
    assert sorted(steps_of(preview)) == sorted(expected) and steps_of(preview)[-1] == expected[-1]
    assert preview.json()["steps"][-1]["effects"] == ["delete 12 places"]
    assert Place.objects.count() == 12 and Edit.objects.count() == 1
    other = edits.correct(Place.objects.filter(city="Town 01"), {"county": "Angus"}, None)
    refused = post(curator, run, FIRST | {"digest": preview.json()["digest"]})
    assert refused.status_code == 409 and "changed since the preview" in refused.json()["detail"]
    assert Place.objects.count() == 12 and Edit.objects.count() == 2
    preview = post(curator, run, FIRST | {"mode": "preview"})
    done = post(curator, run, FIRST | {"digest": preview.json()["digest"], "reason": "wrong folder"})
    assert done.status_code == 200 and done.json()["status"] == "undone" and done.json()["digest"] is None
    assert steps_of(done) == steps_of(preview) and ("undo", "edit", other.pk) in steps_of(done)
    assert done.json()["steps"][-1]["effects"] == ["12 places deleted"]
    assert not Place.objects.exists() and not Person.objects.exists()
    assert set(Edit.objects.filter(action="undone").values_list("reason", flat=True)) == {"wrong folder"}
    again = post(curator, run, FIRST)
    assert again.status_code == 409 and "Only an applied run can be undone." in again.json()["reasons"][0]
    assert again.json()["conflicts"] == []


def test_an_import_without_changes_is_undone_and_redone_by_the_digest_of_a_preview(curator, run):
    unchanged = curator.worked(curator.send(files={"people": PEOPLE}))
    for verb, status in [("undo", "undone"), ("redo", "applied")]:
        preview = post(curator, unchanged, {"mode": "preview"}, verb).json()
        assert preview["steps"][0]["effects"] == []
        assert post(curator, unchanged, {"digest": preview["digest"]}, verb).json()["status"] == status


def test_changes_that_block_a_redo_are_undone_first(curator, run):
    assert post(curator, run, FIRST).status_code == 200
    newer = curator.worked(curator.send(files={"places": PLACES.replace("Fife", "Angus")}))
    blocked = post(curator, run, {}, "redo").json()
    assert [blocker["id"] for blocker in blocked["conflicts"][0]["blockers"]] == [newer["id"]]
    redo = f"/api/imports/{run['id']}/redo/"
    redone = curator.post(redo, "blockers_first=true", content_type="application/x-www-form-urlencoded")
    assert steps_of(redone) == [("undo", "run", newer["id"]), ("redo", "run", run["id"])]
    assert set(Place.objects.values_list("county", flat=True)) == {"Fife"}


def test_undoing_first_needs_the_permission_for_each_change(curator, run, asking):
    for town in TOWNS[1:]:
        edits.correct(Place.objects.filter(city=town), {"county": "Angus"}, None)
    client = asking("undo_importrun", name="others")
    (conflict,) = post(client, run, {}).json()["conflicts"]
    assert (conflict["records"], conflict["records_total"]) == ([], 12)
    assert (len(conflict["blockers"]), conflict["blockers_total"]) == (10, 12)
    assert {blocker["url"] for blocker in conflict["blockers"]} == {None}
    for sent in (FIRST, FIRST | {"mode": "preview"}):
        answer = post(client, run, sent)
        assert answer.status_code == 403
        assert f"You do not have permission to undo edit {Edit.objects.last().pk}." in answer.json()["detail"]
    assert Place.objects.count() == 12 and not Edit.objects.filter(action="undone").exists()
    (conflict,) = post(curator, run, {}).json()["conflicts"]
    assert (len(conflict["records"]), conflict["records_total"]) == (10, 12)


def test_the_parameters_of_an_undo_are_strict(curator, run):
    for name, value in [("blockers_first", "yes"), ("mode", "maybe"), ("digest", "x" * 65), ("dry_run", True)]:
        answer = post(curator, run, {name: value})
        assert answer.status_code == 400 and list(answer.json()["errors"]) == [name]
    assert Place.objects.count() == 12
