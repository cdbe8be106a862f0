"""The tasks of curators and analysts in a real browser, with the number of clicks and filled fields of each."""

import csv
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import expect

from census.models import Respondent
from people.models import Person, Place
from tests.browser.run_page import counts, expect_outcome, lines, shown_entries
from tests.browser.visitor import Visitor, tab_to

KELSO = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"


def test_import_review_correct_import_again_trace_and_undo(page, site, tables, people_files, tmp_path):
    people, places = people_files
    curator = Visitor(page)
    empty = tables()

    page.goto("/admin/")
    with curator.task(clicks=2, fields=1):  # import and review files of an empty table
        curator.choose("Import files", people, places)
        page.get_by_role("heading", name="Import", exact=True).wait_for()
        curator.click("button", "Preview import")
        page.get_by_text("Waiting to start.").wait_for()
        site.work()  # the page polls
        expect_outcome(page, "Previewed")
        city, county, country = lines(places)[1].split(",")
        assert any(city in entry and county in entry and country in entry for entry in shown_entries(page))
        assert tables() == empty
        previewed = counts(page)
        curator.click("button", "Apply to People")
        expect_outcome(page, "Applied")
    assert counts(page) == previewed
    assert Place.objects.count() == previewed["places"]["created"] == len(lines(places)) - 1
    assert Person.objects.count() == previewed["people"]["created"] > 0
    assert previewed["people"]["read"] == len(lines(people)) - 1

    person = Person.objects.order_by("pk")[5]
    before = person.family_name
    page.goto("/admin/")
    with curator.task(clicks=5, fields=3):  # correct a value, and see it kept after the file is imported again
        curator.click("link", "Table of People")
        curator.search(before)
        page.locator(".list-chips").wait_for()
        curator.click("link", person.given_name, within=f"tr:has(a[href*='/person/{person.pk}/change/'])")
        curator.fill("Family name:", "Corrected")
        curator.click("button", "Save")
        page.get_by_text("was changed successfully").wait_for()
        corrected = tables()
        curator.click("link", "Import", within=".object-tools")
        curator.choose("Files:", people, places)
        curator.click("button", "Preview import")
        expect_outcome(page, "Previewed")
        [kept] = shown_entries(page)
        assert "correction kept" in kept and f"family_name | Corrected | {before}" in kept
    assert tables() == corrected

    page.goto(f"/admin/people/person/{person.pk}/change/")
    page.locator(".field-family_name").get_by_text("corrected", exact=True).wait_for()
    assert page.locator(".file-says b").all_inner_texts() == [before]
    assert "grace" in page.locator(".field-family_name .origin").inner_text()
    file = next(path for path in people_files if path.name == person.created_in.original_name)
    with curator.task(clicks=1, fields=0):  # trace a value to its file and line
        curator.click("link", re.compile(f"line {person.created_line}$"), within=".field-given_name .origin")
        assert lines(file)[person.created_line - 1] in page.locator("tr[aria-current]").inner_text()
    assert file.read_bytes() == curator.download("link", "download").read_bytes()

    edited = tmp_path / "places.csv"
    rows = [lines(places)[0], f"{city},Elsewhere,{country}", *lines(places)[2:], "Newtown,Newshire,Newland", ""]
    edited.write_text("\n".join(rows))
    page.goto("/admin/")
    with curator.task(clicks=4, fields=1):  # import and review edited files
        curator.choose("Import files", people, edited)
        page.get_by_role("heading", name="Import", exact=True).wait_for()
        curator.click("button", "Preview import")
        expect_outcome(page, "Previewed")
        [changed] = shown_entries(page)  # the first tab with records is open
        assert f"county | {county} | Elsewhere" in changed
        [new], [kept] = curator.open("New"), curator.open("Kept")
        assert "Newtown" in new and "Newshire" in new and "family_name | Corrected" in kept
        assert tables() == corrected
        curator.click("button", "Apply to People")
        expect_outcome(page, "Applied")
    result = counts(page)
    assert (result["places"]["updated"], result["places"]["created"], result["people"]["kept"]) == (1, 1, 1)
    assert Place.objects.get(city=city).county == "Elsewhere" and Place.objects.filter(city="Newtown").exists()
    person.refresh_from_db()
    assert (person.family_name, person.corrections) == ("Corrected", {"family_name": before})
    applied = tables()

    for verb, outcome, state in (("Undo", "Undone", corrected), ("Redo", "Applied", applied)) * 2:
        with curator.task(clicks=2, fields=0):
            curator.click("link", re.compile(f"^{verb} run"))
            page.get_by_text(f"{verb}ing run").wait_for()
            curator.click("button", re.compile(f"^{verb} run"))
            expect_outcome(page, outcome)
        assert tables() == state
    assert page.complaints == []


def test_fix_rejected_rows_import_them_and_their_file_again(page, site, write, importing):
    towns = "".join(f"Town {n},A,B\n" for n in range(250))
    importing("people", write("places.csv", KELSO + towns))
    rows = "Ann,Mac,1901-02-03,Kelso\nGus,Elm,1950-12-31,Atlantis\nIda,Fir,1950-12-30,Atlantis\nJoy,Yew,never,Kelso\n"
    people = write("people.csv", HEADER + rows)
    importing("people", people)
    site.work()
    curator = Visitor(page)

    page.goto("/admin/")
    with curator.task(clicks=5, fields=2):  # fix rejected rows
        curator.click("link", re.compile("3 open rejected rows"))
        curator.click("link", re.compile("^place_of_birth: refers to an unknown place"))
        curator.select("place_of_birth: replace", "Atlantis")
        page.get_by_label("with", exact=True).press_sequentially("kel")  # there are too many places to list
        page.locator('datalist option[value="Kelso"]').wait_for(state="attached")
        curator.fill("with", "Kelso")
        curator.click("button", "Check again")
        page.get_by_text("2 of 2 changed rows would be accepted.").wait_for()
        curator.click("button", "Import 2 fixed rows")
        expect_outcome(page, "Previewed")
        assert counts(page)["people"] == {"read": 2, "created": 2}
        curator.click("button", "Apply to People")
        expect_outcome(page, "Applied")
    assert Person.objects.filter(given_name__in=["Gus", "Ida"], place_of_birth__city="Kelso").count() == 2

    page.goto("/admin/imports/rejectedrow/worklist/people/")
    page.get_by_label("date_of_birth, line 5").fill("1950-12-29")
    page.get_by_role("button", name="Check again").click()
    page.get_by_text("Would be accepted.", exact=True).wait_for()
    page.get_by_role("checkbox", name="Select line 5").check()
    page.get_by_label("Reason (optional)").fill("asked the family")
    page.get_by_role("button", name="Ignore rows").click()
    page.get_by_text("1 row ignored.").wait_for()

    page.goto("/admin/")
    curator.choose("Import files", people)
    page.get_by_role("heading", name="Import", exact=True).wait_for()
    curator.click("button", "Preview import")
    expect_outcome(page, "Previewed")
    assert counts(page)["people"] == {"read": 4, "unchanged": 1, "fixed before": 2, "ignored": 1}
    assert page.complaints == []


def heads(page) -> list[str]:
    return page.locator("#result_list th .head > :first-child").all_inner_texts()


def test_choose_columns_profile_one_edit_many_records_and_undo(page, site, write, importing):
    importing("people", write("places.csv", KELSO))
    rows = (f"G{n},{'Oak' if n < 3 else 'Mac'},19{n:02}-02-03,Kelso\n" for n in range(6))
    importing("people", write("people.csv", HEADER + "".join(rows)))
    curator = Visitor(page)
    page.goto("/admin/people/person/?o=-3")
    with curator.task(clicks=3, fields=0):  # see the profile of a column, and filter by a bar
        curator.click("button", "Menu of date of birth")
        curator.click("link", "Profile")
        curator.click("link", re.compile("^1900: 1 records"), within="#part-date_of_birth")
        page.wait_for_url("**o=-3*")
        assert page.locator(".list-chips li > span").count() == 2 and page.locator("#result_list tbody tr").count() == 1

    page.goto("/admin/people/person/")
    page.get_by_role("button", name="Menu of date of birth").click()
    page.get_by_role("button", name="Hide column").click()
    page.locator("th.column-date_of_birth").wait_for(state="detached")
    page.wait_for_load_state()
    tab_to(page, "#list-drawer > summary", most=15)
    page.keyboard.press("Enter")
    page.locator("#list-columns > summary").click()
    page.get_by_role("checkbox", name="County of birth").check()
    page.get_by_role("button", name="Save columns").click()
    page.locator("th.column-place_of_birth__county").wait_for()
    assert heads(page) == ["Given name", "Family name", "Place of birth", "Corrected", "County of birth"]
    assert page.locator("#list-drawer").get_attribute("open") is not None  # it is open on the next page, too

    with curator.task(clicks=3, fields=3):  # find records, and change all of them
        curator.search("Oak")
        page.locator(".list-chips").get_by_text("search for “Oak”").wait_for()
        curator.click("link", "Bulk edit")
        curator.select("Field:", "family_name")
        page.get_by_label("New value of family name:").wait_for()
        curator.fill("New value of family name:", "Elm")
        curator.click("button", "Preview")
        curator.click("button", "Change 3 records")
        page.get_by_text("3 people changed.").wait_for()
    assert Person.objects.filter(family_name="Elm").count() == 3

    with curator.task(clicks=2, fields=0):  # undo it
        curator.click("link", re.compile("^View or undo edit"))
        curator.click("button", re.compile("^Undo edit"))
        page.get_by_text("Edit undone: 3 people restored.").wait_for()
    assert Person.objects.filter(family_name="Oak").count() == 3
    assert page.complaints == []


@pytest.fixture
def page_of(site, open_browser):
    """Open a window in which a new analyst, who is not staff, is signed in."""

    def page_of(name: str, **options):
        analyst = get_user_model().objects.create_user(name)
        analyst.groups.add(Group.objects.get(name="Analysts"))
        client = Client()
        client.force_login(analyst)
        page = open_browser(viewport={"width": 1280, "height": 900}, **options)
        page.context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site.address}]
        )
        return page

    return page_of


def test_find_chart_export_and_share(page_of, site):
    call_command("import_census", verbosity=0)
    found = Respondent.objects.filter(age__gte=60, education__name="Bachelors")
    page = page_of("ana", permissions=["clipboard-read", "clipboard-write"])
    analyst = Visitor(page)
    page.goto("/")
    with analyst.task(clicks=5, fields=3):  # find records, chart them, and export the chart and the records
        analyst.search("bachelors")
        page.wait_for_url("**search=bachelors")
        expect(page.locator("#searchbar")).to_be_focused()  # htmx has replaced it
        page.locator("#explore-drawer > summary").click()
        analyst.clicks += 1
        analyst.fill("from", "60", within="#filter-age")
        page.keyboard.press("Enter")
        page.wait_for_url("**age__gte=60")
        analyst.click("link", "Chart", within=".explore-tabs")
        page.locator(".chart-stage.drawn").wait_for()
        analyst.select("Category", "occupation")
        page.wait_for_url("**x=occupation*")
        page.locator(".chart-stage.drawn").wait_for()
        picture = analyst.download("button", "PNG")
        chart = page.url
        analyst.click("link", "Export", within=".explore-tabs")
        records = analyst.download("link", re.compile("^Download"))
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.name.startswith("census-respondents_")
    ages = [int(row["age"]) for row in csv.DictReader(records.read_text().splitlines())]
    assert sorted(ages) == sorted(found.values_list("age", flat=True))

    page.goto(chart)
    page.locator(".chart-stage.drawn").wait_for()
    with analyst.task(clicks=1, fields=0):  # copy the address, which is that of the address bar
        analyst.click("button", "Copy link")
        page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url == chart
    other = page_of("eva")
    other.goto(chart)  # the address shows the same page to another account
    other.locator(".chart-stage.drawn").wait_for()
    assert other.locator("#explore-main").inner_text() == page.locator("#explore-main").inner_text()
    assert page.complaints == other.complaints == []
