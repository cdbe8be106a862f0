"""Every kind of page in a real browser: accessible, no CSP violations, no errors, no overflow on a narrow screen."""

from urllib.parse import parse_qsl, urljoin, urlsplit

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models import Model
from django.urls import resolve

from datasets.models import MaterializedView, Record, Vocabulary
from imports.models import ImportRun
from people.models import Person
from tests.browser.axe import violations

PLACES = """city,county,country
Thornmouth,Elsewhere,Averland
Newtown,Newshire,Newland
Too,few
"""
FILES = (
    "importrun_rejected",
    "sourcefile_download",
    "export-file",
    "chart-png",
    "chart-jpg",
    "chart-svg",
    "chart-json",
    "chart-csv",
    "schema",
)
POSTED = ("imports-apply", "imports-cancel", "imports-undo", "imports-redo")
NO_PAGES = (*FILES, *POSTED, "logout", "RedirectView")  # links that sign out or leave the site


def uploaded(client, text: str, **options) -> str:
    client.force_login(get_user_model().objects.get())
    file = SimpleUploadedFile("places.csv", text.encode())
    sent = {"dataset": "people", "files": [file], "encoding": "utf-8", **options}
    assert client.post("/admin/imports/importrun/import/", sent).status_code == 302
    return f"/admin/imports/importrun/{ImportRun.objects.latest('pk').pk}/change/"


def kind(address: str) -> tuple:
    """Return the kind of page of an address: each list of records is one kind."""
    parts = urlsplit(address)
    match = resolve(parts.path)
    name, model = match.view_name, getattr(getattr(match.func, "model_admin", None), "model", None)
    if model is None:
        return (name.rsplit("-", 1)[-1],)
    what = name.rsplit("_", 1)[-1]
    sort = next((sort for sort in (Record, Vocabulary, MaterializedView) if issubclass(model, sort)), Model)
    has_tabs = sort is Model and model._meta.app_label in ("datasets", "imports")
    if has_tabs or (sort is Record and what == "changelist"):
        return name, dict(parse_qsl(parts.query)).get("tab")
    return sort, what


def links(page) -> list[str]:
    """Return the links of a page to this site; lists have their facets open."""
    links = [link.partition("#")[0] for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")]
    here = [link for link in links if urlsplit(link).netloc == urlsplit(page.url).netloc]
    named = [(resolve(urlsplit(link).path).view_name, link) for link in here]
    lists = [f"{link}?_facets=True" for name, link in named if name.endswith("_changelist") and "?" not in link]
    return lists + [link for name, link in named if not name.endswith(("_changelist", *NO_PAGES))]


def script_bytes(page) -> int:
    """Return the size of all scripts of a page, without compression. Charts and Swagger UI have larger scripts."""
    if page.locator("#chart-shown, #swagger-ui").count():
        return 0
    scripts = "performance.getEntriesByType('resource').filter(one => one.initiatorType === 'script')"
    return page.evaluate(f"{scripts}.reduce((sum, one) => sum + one.decodedBodySize, 0)")


def test_every_page_is_accessible_and_small_without_errors_and_overflow(page, a_bit_of_everything, client):
    previewed = uploaded(client, PLACES)
    failed = uploaded(client, PLACES, strict="on")
    call_command("worker", batch=True)
    waiting = uploaded(client, PLACES)
    applied = f"/admin/imports/importrun/{ImportRun.objects.get(dataset='people', status='applied').pk}"
    corrected = f"/admin/people/person/{Person.objects.first().pk}"
    ahead = [
        "/admin/",
        previewed,
        failed,
        waiting,
        f"{applied}/change/",
        f"{applied}/undo/",
        "/admin/people/place/bulk/",
    ]
    ahead += [
        f"{corrected}/change/",
        f"{corrected}/history/",
        f"{corrected}/delete/",
        "/api/",
        "/change-password/",
    ]
    ahead = [urljoin(page.url, address) for address in ahead]
    met, wide, inaccessible, sizes = {kind(address) for address in ahead}, [], [], {}
    while ahead:
        address = ahead.pop(0)
        page.set_viewport_size({"width": 1280, "height": 900})
        answer = page.goto(address)
        assert answer.status == 200 or (answer.status == 409 and "/undo/" in address), f"{answer.status} {address}"
        sizes[address] = script_bytes(page)
        inaccessible += violations(page)
        page.set_viewport_size({"width": 390, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)
        for link in links(page):
            if kind(link) not in met:
                met.add(kind(link))
                ahead.append(link)
    assert len(met) > 30
    assert [result for result in page.complaints if "409" not in result] == [] and wide == []
    assert inaccessible == []
    large = {address: size for address, size in sizes.items() if size >= 100_000}
    assert large == {} and max(sizes.values()) > 50_000  # that of htmx

    # A CSP violation would have been recorded.
    with page.expect_console_message(lambda message: "policy: style-src-attr forbids inline" in message.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")
    assert any("policy: style-src-attr" in result for result in page.complaints)
