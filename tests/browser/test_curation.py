"""Curation in a real browser: progress, the form of a record, and an import with the keyboard only."""

import re

from django.core.management import call_command

from curation.history import edits
from people.models import Person, Place
from tests.browser.run_page import expect_outcome, upload
from tests.browser.visitor import tab_to


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


def test_a_place_is_found_with_the_keyboard_and_its_link_follows_the_choice(page, people_files):
    call_command("import_people", *map(str, people_files), verbosity=0)
    person = Person.objects.order_by("pk").first()
    place = Place.objects.exclude(pk=person.place_of_birth_id).order_by("pk").last()
    page.goto(f"/admin/people/person/{person.pk}/change/")
    link = page.locator(".field-place_of_birth .view-related")
    assert f"/place/{person.place_of_birth_id}/" in link.get_attribute("href")
    page.get_by_label("Date of birth").focus()
    tab_to(page, ".select2-selection")  # loads the script of the box
    page.keyboard.press("Enter")
    page.keyboard.type(place.city)
    page.locator(".select2-results__option").get_by_text(place.city, exact=True).wait_for()
    page.keyboard.press("Enter")
    link.focus()
    assert f"/place/{place.pk}/" in link.get_attribute("href")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_text("was changed successfully").wait_for()
    person.refresh_from_db()
    assert person.place_of_birth == place
    assert page.complaints == []


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
