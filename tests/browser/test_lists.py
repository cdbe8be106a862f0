"""A list of the admin in a real browser: menus, columns, filters, and a bulk edit that is undone."""

import re

import pytest

from people.models import Person

pytestmark = pytest.mark.django_db
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\n" + "".join(
    f"G{n},{'Oak' if n < 3 else 'Mac'},1901-02-03,Kelso\n" for n in range(6)
)


def heads(page) -> list[str]:
    return page.locator("#result_list th .head > :first-child").all_inner_texts()


def test_columns_filters_and_a_bulk_edit_take_few_clicks(page, site, write, importing):
    importing("people", write("places.csv", "city,county,country\nKelso,Roxburghshire,Scotland\n"))
    importing("people", write("people.csv", PEOPLE))
    page.goto("/admin/people/person/")
    page.get_by_role("button", name="Menu of date of birth").click()
    page.get_by_role("button", name="Hide column").click()
    page.locator("#list-drawer > summary").click()
    page.locator("#list-columns > summary").click()
    page.get_by_role("checkbox", name="County of birth").check()
    page.get_by_role("button", name="Save columns").click()
    page.locator("th.column-place_of_birth__county").wait_for()
    assert heads(page) == ["Given name", "Family name", "Place of birth", "Corrected", "County of birth"]
    assert page.locator("#list-drawer").get_attribute("open") is not None  # it is open on the next page, too
    page.get_by_role("searchbox", name="Search people").fill("Oak")
    page.keyboard.press("Enter")
    page.locator(".list-chips").get_by_text("search for “Oak”").wait_for()

    # 3 clicks and 3 fields
    page.get_by_role("link", name="Bulk edit").click()
    page.get_by_label("Field:").select_option("family_name")
    value = page.get_by_label("New value of family name:")
    value.fill("Elm")
    page.get_by_label("Reason (optional)").fill("letter of 1 May")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Change 3 records").click()
    page.get_by_text("3 people changed.").wait_for()
    assert Person.objects.filter(family_name="Elm").count() == 3

    page.get_by_role("link", name=re.compile("^View or undo edit")).click()
    page.get_by_role("checkbox", name="Restore 3 records to their state before this edit").check()
    page.get_by_role("button", name=re.compile("^Undo edit")).click()
    page.get_by_text("Edit undone: 3 people restored.").wait_for()
    assert Person.objects.filter(family_name="Oak").count() == 3
    assert page.complaints == []
