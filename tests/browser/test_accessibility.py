"""No state of a page violates the rules of axe-core: in each theme, width and colour mode, with open menus.

``make test-accessibility`` runs these tests. ``make test`` checks each kind of page once, in test_pages.py.
"""

from contextlib import closing

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from imports.models import Edit, ImportRun
from people.models import Person
from tests.browser.axe import violations
from tests.browser.test_pages import PLACES, uploaded

LIGHT = {"viewport": {"width": 1280, "height": 900}}
STATES = {
    "light": LIGHT,
    "dark": LIGHT | {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 900}},
    "forced colours": LIGHT | {"forced_colors": "active"},
}
ERRORS = [
    "/admin/people/person/?x=1",
    "/explore/people/people/?x=1",
    "/explore/people/people/?country=Nowhere",
    "/explore/nothing/",
    "/nothing/",
    "/admin/people/person/9999999/change/",
    "/admin/?" + 1001 * "x&",
]
# A page, and the elements to click one after the other; the page is checked after each click.
OPENED = {
    "/admin/": [".account", "#account-menu [popovertarget=shortcuts]"],
    "/admin/people/person/": [".side-bar-toggle"],
    "/admin/people/person/add/": ["[name=_save]", "select.admin-autocomplete"],
    "/admin/experiments/userexperiment/1/change/": ["select.admin-autocomplete"],
    "/admin/imports/importrun/import/": ["main [type=submit]", "main details summary"],
    "/admin/datasets/apitoken/add/": ["[name=_save]"],
    "/admin/people/place/bulk/": ["[name=_preview]"],
    "/admin/people/place/": ["[popovertarget=menu-city]", "#menu-city [hx-get]"],
    "/explore/people/people/": ["#explore-drawer > summary", "#open-place_of_birth", "#profile-place_of_birth"],
    "/explore/people/people/chart/?x=date_of_birth": ["#chart-data summary"],
    "/explore/people/people/export/": ["[value=xlsx]"],
}


def addresses() -> list[str]:
    """Return the addresses of the pages."""
    person, run = Person.objects.first(), ImportRun.objects.get(dataset="people", status="applied")
    of_run = [f"/admin/imports/importrun/{one.pk}/change/" for one in ImportRun.objects.all()]
    tabs = [f"{of_run[-1]}?tab={tab}" for tab in ("new", "missing", "kept", "rejected")]
    tabs.append(f"{of_run[-1]}?tab=changed&column=places.city")
    of_person = [f"/admin/people/person/{person.pk}/{page}/" for page in ("change", "history", "delete")]
    lists = ["people/person", "people/place", "people/birthsbycountry", "census/respondent", "census/race"]
    books = ["imports/importrun", "imports/sourcefile", "imports/rejectedrow", "imports/edit", "curation/comment"]
    accounts = ["auth/user", "auth/user/add", "auth/group", "auth/group/1/change", "datasets/apitoken"]
    pages = ["people/", "census/", "imports/", "people/person/deleted/", "imports/rejectedrow/worklist/people/"]
    explored = ["people/people/", "people/people/?country=Averland", "census/respondents/", "people/people/export/"]
    return [
        *of_run,
        *tabs,
        *of_person,
        *(f"/admin/{name}/" for name in (*lists, *books, *accounts)),
        *(f"/admin/{page}" for page in pages),
        "/admin/people/person/?_facets=True&q=a",
        f"/admin/auth/user/{get_user_model().objects.get().pk}/change/",
        f"/admin/imports/importrun/{run.pk}/undo/",
        f"/admin/imports/edit/{Edit.objects.latest('pk').pk}/change/",
        *(f"/explore/{page}" for page in explored),
        "/explore/people/births-by-country/chart/",
        "/api/",
        "/api/people/people/",
        "/api/docs/",
        "/change-password/",
    ]


def settle(page) -> None:
    """Wait for the parts of a page that htmx loads."""
    if page.locator("[hx-get]").count():
        page.wait_for_load_state("networkidle")


def check(page, address: str, result: list[str], state: str) -> None:
    # With forced colours, the browser replaces those of the site.
    rules = {"color-contrast": {"enabled": state != "forced colours"}}
    page.goto(address)
    settle(page)
    result += [f"{state}: {violation}" for violation in violations(page, rules)]
    for selector in OPENED.get(address, []):
        page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")  # it may be the button of a form
        result += [f"{state}, {selector}: {violation}" for violation in violations(page, rules)]


@pytest.fixture
def filled(a_bit_of_everything, client) -> None:
    """Leave a preview, a failed run and rejected rows in addition."""
    uploaded(client, PLACES)
    uploaded(client, PLACES, strict="on")
    call_command("worker", batch=True)


def test_no_state_of_a_page_has_a_violation(filled, site, open_browser):
    found: list[str] = []
    pages = addresses()
    for state, options in STATES.items():
        with closing(open_browser(**options)) as page:
            check(page, "/sign-in/", found, state)
            site.be_known(page)
            for address in [*pages, *OPENED, *ERRORS]:
                check(page, address, found, state)
    assert not found, "\n".join(found)
