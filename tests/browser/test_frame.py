"""The frame in a real browser: keyboard shortcuts, menus, the sidebar on wide screens, and files for the dashboard."""

from playwright import sync_api


def test_the_keyboard_opens_search_shortcuts_and_menus(page):
    page.goto("/admin/people/person/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "searchbar"
    page.keyboard.type("?/")
    assert page.input_value("#searchbar") == "?/" and not page.is_visible("#shortcuts")
    page.locator("h1").click()
    page.keyboard.press("?")
    sync_api.expect(page.locator("#shortcuts")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Close"
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#shortcuts")).to_be_hidden()

    page.get_by_role("button", name="grace").press("Enter")
    for theme in ("automatic", "dark", "light"):
        page.get_by_role("button", name=f"Theme: {theme}").click()
    page.keyboard.press("Escape")
    sync_api.expect(page.locator("#account-menu")).to_be_hidden()

    side_bar = page.get_by_role("navigation", name="Tables of People")
    sync_api.expect(side_bar).to_be_hidden()
    page.get_by_role("button", name="Tables of People").click()
    side_bar.get_by_role("link", name="Places").click()
    page.get_by_role("heading", name="Places").wait_for()
    page.set_viewport_size({"width": 1500, "height": 900})
    sync_api.expect(side_bar).to_be_visible()
    assert page.complaints == []


def test_a_file_for_the_dashboard_leads_to_the_import_of_its_dataset(page, write):
    page.goto("/admin/")
    chosen = page.get_by_label("Import files")
    chosen.evaluate("one => { one.dataset.limit = 2 ** 20; }")
    chosen.set_input_files([write("small.csv", "city\n"), write("large.csv", "x" * 2**21)])
    message = chosen.evaluate("one => one.validationMessage")
    assert message.startswith("large.csv has 2 MB, and all 2 files have 2 MB. An upload can have at most 1 MB")
    page.get_by_label("Import files").set_input_files(write("new.csv", "city,county,country\nEly,Isle,Ulster\n"))
    page.get_by_role("heading", name="Import", exact=True).wait_for()
    assert page.locator("#id_dataset option:checked").text_content() == "People"
    assert page.get_by_role("checkbox", name="new.csv").is_checked()
    assert page.complaints == []
