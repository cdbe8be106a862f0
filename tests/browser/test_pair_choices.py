"""Pairs of a preview in a real browser: separate one, choose one, apply both, and undo them."""

from people.models import Person
from tests.browser.run_page import apply, counts, entries, expect_outcome, upload
from tests.curation.test_pair_choices import EDITED, NAMES, PLACES, ROWS, people


def test_separate_a_pair_make_another_by_hand_apply_and_undo_both(page, site, tables, write, importing):
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", people(ROWS)))
    pks, before = dict(Person.objects.values_list("given_name", "pk")), tables()
    site.work()
    upload(page, write("people.csv", people(EDITED)))
    expect_outcome(page, "Previewed")
    assert counts(page)["people"] == {"read": 10, "created": 1, "updated": 1, "unchanged": 8, "missing": 1, "paired": 1}

    page.get_by_role("checkbox", name="Same record").uncheck()
    page.get_by_role("button", name="Preview again with these choices").click()
    page.get_by_text("1 separated", exact=True).wait_for()
    expect_outcome(page, "Previewed")
    assert len(entries(page, "New")) == len(entries(page, "Missing")) == 2
    page.get_by_label(f"Line of the new version of people {pks['Fay']}").fill("7")
    page.get_by_role("button", name="Preview again with these choices").click()
    page.get_by_text("1 paired, 1 separated").wait_for()
    expect_outcome(page, "Previewed")
    assert counts(page)["people"] == {"read": 10, "created": 1, "updated": 1, "unchanged": 8, "missing": 1, "paired": 1}
    [chosen] = entries(page, "Changed")
    assert f"people {pks['Fay']}" in chosen and "chosen by a user" in chosen
    apply(page)
    assert entries(page, "Changed") == [chosen.replace("  Same record ", " ")]
    names = dict(Person.objects.values_list("pk", "given_name"))
    assert names[pks["Fay"]] == "Frances" and {*names.values()} == {*NAMES, "Eva", "Frances"} - {"Fay"}

    page.get_by_role("link", name="Undo run").click()
    page.get_by_role("button", name="Undo run").click()
    expect_outcome(page, "Undone")
    assert tables() == before
    assert page.complaints == []
