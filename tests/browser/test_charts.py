"""Charts in a real browser: drawing, tooltips, dark theme, narrow screens, and images."""

import re
import struct
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

pytestmark = pytest.mark.django_db  # creates the database if only this module is run

CHART = "/explore/census/respondents/chart/"
BARS = f"{CHART}?kind=bar&x=education&measure=mean:age&age__gte=20"
KINDS = {
    "bar": "x=occupation&colour=sex&measure=median:age",
    "line": "x=age&measure=mean:hours_per_week",
    "histogram": "x=age&colour=sex",
    "box": "x=education&y=age&colour=sex",
    "heat": "x=education&y=occupation",
    "scatter": "x=age&y=hours_per_week&colour=sex",
}


def census() -> None:
    """Import the census sample and grant the permission to view it."""
    get_user_model().objects.update(is_superuser=True)
    call_command("import_census", verbosity=0)


@pytest.fixture(scope="module")
def site(site_with):
    return site_with(census)


def drawing(page):
    """Return the chart of a page after it is drawn."""
    svg = page.locator("#chart-drawing svg")
    svg.wait_for(state="attached")
    page.locator(".chart-stage.drawn").wait_for()
    return svg


def dark(colour: str) -> bool:
    """Return whether a colour such as ``rgb(18, 18, 18)`` is nearer to black than to white."""
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")[:3]) < 384


def test_every_kind_of_chart_is_drawn_in_both_themes_and_on_a_narrow_screen(page):
    for scheme, width in (("light", 1280), ("dark", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        for kind, params in KINDS.items():
            page.goto(f"{CHART}?kind={kind}&{params}")
            svg = drawing(page)
            assert svg.locator('[role="graphics-symbol"]').count() > 2, (kind, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (kind, scheme)
            label = svg.locator(".role-axis-label text").first.evaluate("one => getComputedStyle(one).fill")
            assert dark(label) is (scheme == "light"), (kind, label)
    assert page.complaints == []


def test_the_picture_of_the_server_is_replaced_in_its_place_and_a_click_opens_the_records(page):
    page.route("**/chart.json*", lambda route: None)  # the script waits
    page.goto(BARS)
    picture = page.locator("#chart-picture img")
    assert picture.evaluate("one => one.complete || new Promise(done => one.onload = () => done(true))")
    before = page.locator(".chart-save").bounding_box()["y"]
    page.unroute("**/chart.json*")
    page.reload()
    bar = drawing(page).locator('.mark-rect path[role="graphics-symbol"]').first
    assert picture.is_hidden() and page.locator(".chart-save").bounding_box()["y"] == before
    bar.click()
    page.wait_for_url("**/explore/census/respondents/?age__gte=20&education=*")
    page.locator("tbody tr").first.wait_for()
    assert page.complaints == []


def test_hovering_shows_a_tooltip(page):
    page.goto(BARS)
    bar = drawing(page).locator('.mark-rect path[role="graphics-symbol"]').first
    bar.hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert tooltip.locator("td.key").all_text_contents() == [
        "Education",
        "Mean age (years)",
        "95% confidence interval",
        "Records",
    ]
    place = tooltip.evaluate("one => getComputedStyle(one).position")
    assert place == "fixed"
    page.locator("h1").hover()
    tooltip.wait_for(state="hidden")
    assert page.complaints == []


def test_changing_an_option_redraws_the_chart(page):
    page.goto(BARS)
    drawing(page)
    page.evaluate("window.stays = true")
    page.get_by_label("Histogram").check()
    page.get_by_role("heading", name="Distribution of age (years)").wait_for()
    drawing(page)
    page.get_by_label("Split by colour").select_option("sex")
    page.get_by_role("heading", name="Distribution of age (years), by sex").wait_for()
    drawing(page)
    said = page.locator("#chart-changed").text_content()
    assert said.startswith("Split by colour: Sex. Distribution of age (years), by sex. n = ")
    assert page.evaluate("window.stays")  # no page was loaded
    assert "kind=histogram" in page.url and "colour=sex" in page.url and "age__gte=20" in page.url
    page.reload()
    page.get_by_role("heading", name="Distribution of age (years), by sex").wait_for()
    drawing(page)
    assert page.complaints == []


def test_the_drawing_follows_the_theme(page):
    page.goto(BARS)
    label = ".role-axis-label text"
    assert dark(drawing(page).locator(label).first.evaluate("one => getComputedStyle(one).fill"))
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        f"""() => {{ const one = document.querySelector("#chart-drawing {label}");
                     return one && getComputedStyle(one).fill === "rgb(238, 238, 238)"; }}"""
    )
    assert page.complaints == []


@pytest.mark.parametrize("suffix, mark", [("PNG", b"\x89PNG"), ("JPG", b"\xff\xd8\xff"), ("SVG", b"<svg")])
def test_the_chart_is_saved_at_the_size_that_was_chosen(page, suffix, mark):
    page.goto(BARS)
    page.evaluate("addEventListener('htmx:beforeRequest', () => window.asked = true)")
    page.get_by_label("Width").fill("1234")
    page.get_by_label("Height").fill("567")
    page.get_by_label("Height").press("Tab")
    assert not page.evaluate("window.asked")  # the page is not loaded again, which would reset the size
    with page.expect_download() as download:
        page.get_by_role("button", name=suffix).click()
    name = download.value.suggested_filename
    assert re.fullmatch(rf"census-respondents_age-from-20_[\d-]{{10}}\.{suffix.lower()}", name)
    image = Path(download.value.path()).read_bytes()
    assert image.startswith(mark)
    assert size_of(image) == (1234, 567)
    assert page.complaints == []


def size_of(image: bytes) -> tuple[int, int]:
    """Return the width and height of an image from its bytes."""
    if image.startswith(b"\x89PNG"):
        return struct.unpack(">II", image[16:24])
    if image.startswith(b"<svg"):
        head = image.split(b">", 1)[0].decode()
        return tuple(int(head.split(f' {name}="')[1].split('"')[0]) for name in ("width", "height"))
    place = 2
    while image[place + 1] not in (0xC0, 0xC1, 0xC2):
        place += 2 + struct.unpack(">H", image[place + 2 : place + 4])[0]
    return struct.unpack(">HH", image[place + 5 : place + 9])[::-1]


def test_without_scripts_there_is_an_image_and_a_button(site, open_browser):
    page = open_browser(java_script_enabled=False)
    site.sign_in(page)
    page.goto(BARS)
    image = page.locator(".chart-figure img")
    assert image.evaluate("one => one.complete || new Promise(done => one.onload = () => done(true))")
    assert image.evaluate("one => one.naturalWidth") == 800
    assert image.get_attribute("alt").startswith("Mean age (years) by education. Census: respondents, age ≥ 20.")
    page.get_by_label("Heat map").check()
    page.get_by_role("button", name="Apply").first.click()
    assert "kind=heat" in page.url
    page.get_by_role("heading", name="Mean age (years) by education and").wait_for()
    page.get_by_text("Data table").click()
    assert page.locator("#chart-data tbody tr").count() > 3


def test_without_scripts_the_image_has_the_theme_and_keeps_its_width_on_a_narrow_screen(site, open_browser):
    page = open_browser(java_script_enabled=False, color_scheme="dark", viewport={"width": 390, "height": 800})
    site.sign_in(page, "/explore/")
    page.goto(BARS)
    image = page.locator(".chart-figure img")
    assert image.evaluate("one => one.complete || new Promise(done => one.onload = () => done(true))")
    assert "theme=dark" in image.evaluate("one => one.currentSrc")
    assert image.evaluate("one => one.width") > 500  # and scrolls separately
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_names_below_a_heat_map_are_upright_on_a_telephone(page):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{CHART}?kind=heat&{KINDS['heat']}")
    below = drawing(page).locator(".role-axis-label").first.locator("text")
    shown = [element for element in below.all() if element.evaluate("one => getComputedStyle(one).opacity") == "1"]
    assert len(shown) >= 6 and all("rotate(270)" in element.get_attribute("transform") for element in shown)
    assert page.complaints == []


def test_a_new_kind_of_chart_changes_the_url(page):
    page.goto(BARS)
    drawing(page)
    page.get_by_label("Scatter").check()
    page.get_by_role("heading", name="Final weight", level=2).wait_for()
    drawing(page)
    assert dict(parse_qsl(urlsplit(page.url).query)) == {
        "kind": "scatter", "x": "age", "y": "fnlwgt", "age__gte": "20",
    }  # fmt: skip
    page.go_back()
    page.get_by_role("heading", name="Mean age (years) by education").wait_for()
    assert page.complaints == []


def test_the_keyboard_reaches_every_choice_and_the_data(page):
    page.goto(BARS)
    drawing(page)
    reached = []
    page.locator("#chart-kind-bar").focus()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    for name in ("chart-x", "chart-colour", "chart-measure", "chart-sort", "chart-width", "PNG", "JPG"):
        assert name in reached, reached
