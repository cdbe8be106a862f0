"""Curation in a real browser: import, preview, apply, correct, import again, undo."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from curation.history import edits
from people.models import Person, Place


def upload(page, *files: Path) -> None:
    """Upload files of people and start a preview."""
    page.goto("/admin/people/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Files:", exact=True).set_input_files(files)
    page.get_by_role("button", name="Preview import").click()
    page.get_by_role("heading", name=re.compile(r"^Run \d+ of people$")).wait_for()


def expect_outcome(page, status: str) -> None:
    """Wait until the run page updates itself to the given status."""
    page.locator(f"#run-outcome:text-is('{status}')").wait_for()


def apply(page) -> None:
    page.get_by_role("button", name="Apply to People").click()
    expect_outcome(page, "Applied")


def counts(page) -> dict[str, dict[str, int]]:
    """Return the nonzero counts of each source on the page."""
    names, *rows = [row.all_inner_texts() for row in map(cells, page.locator(".run-counts tr").all())]
    counted = {source: dict(zip(names[1:], map(number, numbers), strict=True)) for source, *numbers in rows}
    return {source: {name.lower(): n for name, n in result.items() if n} for source, result in counted.items()}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def cells(row):
    return row.locator("th, td")


def entries(page, tab: str) -> list[str]:
    """Return the entries of a tab of the run page, each as its cells in one line."""
    page.locator(".run-tabs").get_by_text(re.compile(rf"^{tab} \(")).click()
    assert page.locator(".run-tabs [aria-current]").inner_text().startswith(tab)
    return shown_entries(page)


def shown_entries(page) -> list[str]:
    """Return the entries of the open tab, each as its cells in one line."""
    return [re.sub(r"\s*\n\s*|\t", " | ", entry) for entry in page.locator(".run-entry").all_inner_texts()]


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def test_import_review_apply_correct_import_again_and_undo(page, site, tables, people_files, tmp_path):
    people, places = people_files
    empty = tables()
    upload(page, people, places)
    page.get_by_text("Waiting to start.").wait_for()
    site.work()  # the page polls
    expect_outcome(page, "Previewed")
    assert tables() == empty
    previewed = counts(page)
    assert previewed["places"]["read"] == len(lines(places)) - 1
    assert previewed["people"]["read"] == len(lines(people)) - 1
    city, county, country = lines(places)[1].split(",")
    row = next(entry for entry in entries(page, "New") if city in entry)
    assert county in row and country in row
    apply(page)
    assert counts(page) == previewed
    assert Place.objects.count() == previewed["places"]["created"] > 0
    assert Person.objects.count() == previewed["people"]["created"] > 0

    # A correction: found by search, marked in the form and in the list.
    person = Person.objects.select_related("place_of_birth").order_by("pk")[5]
    before = person.family_name
    page.goto("/admin/people/person/")
    page.get_by_role("searchbox", name="Search people").fill(before)
    page.get_by_role("button", name="Search").click()
    page.locator(f"#result_list a[href*='/person/{person.pk}/change/']").click()
    page.get_by_label("Family name").fill("Corrected")
    page.get_by_role("button", name="Save and continue editing").click()
    page.locator(".field-family_name").get_by_text("corrected", exact=True).wait_for()
    assert page.locator(".file-says b").all_inner_texts() == [before]
    page.get_by_role("link", name="History").click()
    history = page.locator(".history").inner_text()
    assert history.index("Created by run") < history.index("Updated by grace")
    corrected = tables()

    # The files again, with another county for one place, and one more place.
    updated_places = tmp_path / "places.csv"
    updated_places.write_text(
        "\n".join([lines(places)[0], f"{city},Elsewhere,{country}", *lines(places)[2:], "Newtown,Newshire,Newland", ""])
    )
    upload(page, people, updated_places)
    expect_outcome(page, "Previewed")
    assert tables() == corrected
    result = counts(page)
    assert (result["places"]["updated"], result["places"]["created"], result["people"]["kept"]) == (1, 1, 1)
    [changed] = entries(page, "Changed")
    assert f"county | {county} | Elsewhere" in changed
    assert page.locator(".run-entry .before, .run-entry .after").all_inner_texts() == [county, "Elsewhere"]
    [new] = entries(page, "New")
    assert "Newtown" in new and "Newshire" in new
    [kept] = entries(page, "Kept")
    assert "correction kept" in kept and f"family_name | Corrected | {before}" in kept
    apply(page)
    [kept] = entries(page, "Kept")
    assert f"family_name | Corrected | {before}" in kept
    assert Place.objects.get(city=city).county == "Elsewhere" and Place.objects.filter(city="Newtown").exists()
    person.refresh_from_db()
    assert (person.family_name, person.corrections) == ("Corrected", {"family_name": before})
    applied = tables()
    assert applied != corrected

    for verb, outcome, state in (("Undo", "Undone", corrected), ("Redo", "Applied", applied)) * 2:
        page.get_by_role("link", name=f"{verb} run").click()
        page.get_by_text(f"{verb}ing run").wait_for()
        page.get_by_role("button", name=f"{verb} run").click()
        expect_outcome(page, outcome)
        assert tables() == state
    assert page.complaints == []


def test_the_progress_bar_updates_itself_and_cancel_stops_the_run(page, site, tables, tmp_path):
    empty = tables()
    places, people = tmp_path / "places.csv", tmp_path / "people.csv"
    places.write_text("city,county,country\nKelso,Roxburghshire,Scotland\n")
    rows = (f"G{n},F{n % 97},{1850 + n % 100}-01-{1 + n % 28:02},Kelso\n" for n in range(900_000))
    people.write_text("given_name,family_name,date_of_birth,place_of_birth\n" + "".join(rows))
    upload(page, people, places)
    site.work()
    bar = page.get_by_role("progressbar")
    moved = (
        "before => { const bar = document.querySelector('progress'); return bar && bar.value > before && bar.value }"
    )
    first = page.wait_for_function(moved, arg=20).json_value()
    assert first < int(bar.get_attribute("max")) == 1000
    assert re.match(r"(Reading|Comparing) \d+ % – Run \d+", page.title())
    assert re.search(r"MB of [\d.]+.MB, [\d,]+ rows", page.locator(".run-progress").inner_text())
    expect_outcome(page, "Running")
    page.get_by_role("button", name="Cancel run").click()
    expect_outcome(page, "Cancelled")
    assert tables() == empty
    page.get_by_role("button", name="Repeat preview").wait_for()
    assert page.complaints == []


def test_enter_saves_a_correction_and_its_button_reverts_it(page, people_files):
    call_command("import_people", *map(str, people_files), verbosity=0)
    person = Person.objects.order_by("pk").first()
    family_name = person.family_name
    edits.correct(Person.objects.filter(pk=person.pk), {"family_name": "Corrected"}, None)
    page.goto(f"/admin/people/person/{person.pk}/change/")
    page.get_by_label("Given name").fill("Typed")
    page.keyboard.press("Enter")
    page.get_by_text("was changed successfully").wait_for()
    person.refresh_from_db()
    assert (person.given_name, person.family_name) == ("Typed", "Corrected")
    page.goto(f"/admin/people/person/{person.pk}/change/")
    page.get_by_role("button", name="Revert family name to file value").click()
    page.get_by_text("reverted to the file value").wait_for()
    person.refresh_from_db()
    assert (person.given_name, person.family_name) == ("Typed", family_name)
    assert page.complaints == []


def test_a_value_is_traced_to_its_edit_its_line_and_its_file(page, people_files):
    call_command("import_people", *map(str, people_files), verbosity=0)
    person = Person.objects.order_by("pk").first()
    file = next(path for path in people_files if path.name == person.created_in.original_name)
    record = f"/admin/people/person/{person.pk}/change/"
    page.goto(record)
    page.get_by_label("Given name").fill("Typed")
    page.get_by_label("Reason (optional)").fill("seen in the register")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()
    page.goto(record)
    page.locator(".field-given_name .origin").get_by_role("link").click()
    page.get_by_text("Reason: seen in the register").wait_for()
    page.goto(record)
    page.locator(".field-family_name .origin").get_by_role("link", name=f"line {person.created_line}").click()
    assert lines(file)[person.created_line - 1] in page.locator("tr[aria-current]").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="download").click()
    assert Path(download.value.path()).read_bytes() == file.read_bytes()
    page.goto(f"/admin/people/person/{person.pk}/history/")
    page.get_by_text("Reason: seen in the register").wait_for()
    page.get_by_label("Add a comment").fill("Ask the archive")
    page.get_by_role("button", name="Add comment").click()
    page.locator(".comments").get_by_text("Ask the archive").wait_for()
    assert page.complaints == []


def test_leaving_a_record_with_unsaved_changes_asks_for_confirmation(page, people_files):
    call_command("import_people", *map(str, people_files), verbosity=0)
    first, second = Person.objects.order_by("pk")[:2]
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.goto(f"/admin/people/person/{first.pk}/change/")
    page.get_by_role("link", name="Next", exact=True).click()
    page.wait_for_url(f"**/{second.pk}/change/")
    page.get_by_label("Given name").fill("Typed")
    page.get_by_role("link", name="Previous", exact=True).click(no_wait_after=True)
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"] and page.get_by_label("Given name").input_value() == "Typed"
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("was changed successfully").wait_for()
    page.get_by_role("link", name="Previous", exact=True).click()
    page.wait_for_url(f"**/{first.pk}/change/")
    assert len(asked) == 1 and page.complaints == []


def tab_to(page, selector: str) -> None:
    """Press Tab until the selected element has the focus."""
    for _ in range(150):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no Tab leads to {selector} on {page.url}")


def test_all_of_an_import_can_be_done_with_the_keyboard(open_browser, site, people_files):
    page = open_browser()
    page.on("filechooser", lambda chooser: None)  # before the key, which triggers the event
    keys = page.keyboard
    page.goto("/admin/imports/importrun/")
    tab_to(page, "#id_username")
    keys.type(site.name)
    tab_to(page, "#id_password")
    keys.type(site.password)
    keys.press("Enter")
    page.get_by_role("heading", name="Import runs").wait_for()
    tab_to(page, ".object-tools .addlink")
    keys.press("Enter")
    page.get_by_role("heading", name="Import", exact=True).wait_for()
    tab_to(page, "#id_dataset")
    keys.type("people")
    tab_to(page, "#id_files")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(people_files)
    tab_to(page, ".run-actions .default")
    keys.press("Enter")
    site.work()
    expect_outcome(page, "Previewed")
    tab_to(page, "form[action$='/apply/'] button")
    keys.press("Enter")
    expect_outcome(page, "Applied")
    assert Person.objects.exists()
    assert page.complaints == []
