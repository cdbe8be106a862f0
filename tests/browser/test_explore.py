"""Explore in a real browser: choose a table and columns, sort, filter, and all of it without JavaScript."""

from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from playwright import sync_api

from census.models import Respondent
from datasets.records import pagination
from tests.browser.visitor import tab_to

pytestmark = pytest.mark.django_db  # creates the database if only this module is run


@pytest.fixture(scope="module")
def site(site_with):
    return site_with(lambda: call_command("import_sources", verbosity=0))


@pytest.fixture(scope="module")
def respondents(site) -> list[tuple[int, bool]]:
    """The age and income of the sample's respondents of at least 60 years with a Bachelors."""
    matching = Respondent.objects.filter(age__gte=60, education__name="Bachelors").order_by("-age", "pk")
    return list(matching.values_list("age", "income_over_50k"))


def shown(page) -> list[list[str]]:
    return [row.locator("td").all_inner_texts() for row in page.locator(".explore-table tbody tr").all()]


def address_has(page, *parts) -> None:
    """Wait until the URL contains the choice."""
    for part in parts:
        page.wait_for_url(lambda url, part=part: part in url)


def test_choose_columns_filter_and_sort_with_and_without_scripts(page, open_browser, site, respondents):
    page.get_by_role("link", name="Explore", exact=True).click()
    page.wait_for_url("**/explore/**")  # and until its scripts have been loaded
    page.get_by_role("combobox", name="Table").select_option("people/people")
    page.get_by_role("heading", name="People").wait_for()
    page.get_by_role("combobox", name="Table").select_option("census/respondents")
    page.get_by_role("heading", name="Respondents").wait_for()

    tab_to(page, "#explore-drawer > summary", most=15)
    page.keyboard.press("Enter")
    page.locator("#explore-picks summary").click()
    page.get_by_role("button", name="Clear all").click()
    page.locator("#column-age").check()
    address_has(page, "columns=age")
    page.locator("#column-income_over_50k").check()
    address_has(page, "columns=age,income_over_50k")
    page.locator("#filter-education").get_by_label("Bachelors").check()
    address_has(page, "education=Bachelors")
    page.locator("#age__gte").fill("60")
    page.locator("#age__gte").press("Enter")
    address_has(page, "age__gte=60")
    page.get_by_role("button", name="Menu of age").click()
    page.get_by_role("link", name="Sort ascending").click()
    address_has(page, "ordering=age")
    page.locator("#sort-age").click()
    address_has(page, "ordering=-age")
    result = [[str(age), "yes" if rich else "no"] for age, rich in respondents]
    page.locator('th[aria-sort="descending"]').wait_for()
    assert page.locator("#age__gte").is_visible()  # the drawer is still open
    assert page.locator(".explore-count").inner_text() == f"{len(result):,}"
    assert shown(page) == result[:50]

    other = open_browser(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    other.context.add_cookies(page.context.cookies())
    other.goto(page.url.removeprefix(site.address))
    assert shown(other) == result[:50]
    other.get_by_role("button", name="Menu of age").click()
    other.get_by_role("link", name="Remove sort").click()
    address_has(other, "columns=age,income_over_50k")
    assert "ordering" not in other.url and sorted(shown(other)) != result[:50]
    other.locator("#explore-drawer > summary").click()
    other.locator("#age__gte").fill("80")
    other.get_by_role("button", name="Apply").click()
    address_has(other, "age__gte=80")
    assert {int(age) >= 80 for age, _ in shown(other)} == {True}

    assert page.complaints == [] and other.complaints == []


def test_the_export_tab_replaces_its_estimate_by_the_exact_count(page, respondents, monkeypatch):
    monkeypatch.setattr(pagination, "COUNTED", 10)
    page.goto("/explore/census/respondents/export/?sex=Female")
    exact = f"{Respondent.objects.filter(sex='Female').count():,}"
    sync_api.expect(page.locator("#explore-exact strong")).to_have_text(exact)
    assert "count=exact" not in page.url and page.complaints == []


def test_a_signed_out_user_signs_in_and_returns(page, site, respondents):
    page.goto("/explore/census/respondents/")
    page.context.clear_cookies()
    page.locator("#explore-drawer > summary").click()
    page.locator("#filter-sex").get_by_label("Female").click()
    page.get_by_label("Username").fill(site.name)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Respondents").wait_for()
    assert urlsplit(page.url).query == "sex=Female"
    assert page.complaints == []


def test_a_wide_table_fades_at_its_edge(page, respondents):
    page.goto("/explore/census/respondents/")
    table = page.locator(".explore-scroll")
    mask = "one => getComputedStyle(one).maskImage"
    assert "linear-gradient" in table.evaluate(mask)
    table.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    sync_api.expect(table).to_have_css("mask-image", "none")
    page.goto("/explore/census/races/")
    assert page.locator(".explore-scroll").evaluate(mask) == "none"  # the whole table is visible
    assert page.complaints == []


def test_a_slider_and_a_bar_of_a_profile_filter_the_table(page, respondents):
    page.goto("/explore/census/respondents/")
    page.locator("#explore-drawer > summary").click()
    slider = page.get_by_role("slider", name="Age from")
    slider.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    oldest = Respondent.objects.order_by("-age").values_list("age", flat=True)[0]
    address_has(page, "age__gte=")
    least = int(page.locator("#age__gte").input_value())
    assert oldest - 5 <= least <= oldest + 5
    sync_api.expect(slider).to_be_focused()
    page.keyboard.press("Home")
    page.wait_for_url(lambda url: "age__gte" not in url)

    page.get_by_role("button", name="Menu of education", exact=True).click()
    page.locator("#profile-education").click()
    bar = page.locator(".explore-profile li a").first
    term, count = bar.inner_text(), page.locator(".explore-profile .count").first.inner_text().split()[0]
    bar.click()
    address_has(page, f"education={term}")
    assert page.locator(".explore-count").inner_text() == count
    assert page.complaints == []
