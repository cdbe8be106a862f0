"""Fixtures: a browser, and the site with gunicorn and the worker as processes on the test's database."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import global_settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections
from django.test import override_settings

from tests.conftest import environment_with

ROOT = Path(__file__).resolve().parents[2]
# Record each CSP violation that the browser reports, across pages, as the console does.
WATCH = """
addEventListener("securitypolicyviolation", event => console.error(
  `policy: ${event.effectiveDirective} forbids ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Site:
    """The site's address, its account, and its processes."""

    address: str
    environment: dict[str, str]
    name: str = "grace"
    password: str = "nine lives of a cat"
    processes: list[subprocess.Popen] = field(default_factory=list)
    cookies: list[dict] = field(default_factory=list)  # of an earlier login in this window

    def start(self, *arguments: str, **options) -> None:
        """Start a Python module or file on the test's database; it ends with the test."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, *arguments]
        self.processes.append(subprocess.Popen(command, cwd=ROOT, env=self.environment, **(quiet | options)))

    def work(self) -> None:
        """Start the worker, which previews and applies imports."""
        self.start("manage.py", "worker", "--interval", "0.1")

    def sign_in(self, page, address: str = "/admin/") -> None:
        """Fill in and submit the login form of an address."""
        page.goto(address)
        page.get_by_label("Username").fill(self.name)
        page.get_by_label("Password").fill(self.password)
        page.get_by_role("button", name="Sign in").click()

    def be_known(self, page) -> None:
        """Log in by the form or by an earlier session cookie, and open the admin's front page."""
        if self.cookies:
            page.context.add_cookies(self.cookies)
            page.goto("/admin/")
        else:
            self.sign_in(page)
        page.get_by_role("heading", name="Datasets").wait_for()
        self.cookies = page.context.cookies()

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def served(environment: dict[str, str]) -> Iterator[Site]:
    """Serve the site, with the account of a curator."""
    from django.contrib.auth.models import Group

    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # the server's: it checks what we make
        user = get_user_model().objects.create_user(Site.name, password=Site.password, is_staff=True)
    user.groups.add(Group.objects.get(name="Curators"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # the socket queues requests until gunicorn accepts them
        site = Site(f"http://127.0.0.1:{listening.getsockname()[1]}", environment)
        bound = ["--bind", f"fd://{listening.fileno()}", "--no-control-socket"]
        gunicorn = ["config.wsgi", *bound, "--worker-class", "gthread", "--threads", "4", "--log-level", "warning"]
        site.start("-m", "gunicorn", *gunicorn, pass_fds=[listening.fileno()])
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(chromium, child_environment) -> Iterator[Site]:
    """A running site without a worker."""
    with served(child_environment) as site:
        yield site


@pytest.fixture(scope="module")
def site_with(chromium, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Callable[..., Site]]:
    """Serve the site with a function's imports to the tests of a module, which must not change it."""
    from tests.fast_flush import empty_now

    media = tmp_path_factory.mktemp("media")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "sqlite":  # the transaction of a test, which only reads, must not lock the site out
            start = "_start_transaction_under_autocommit"
            patch.setattr(type(connections["default"]), start, lambda one: one.cursor().execute("BEGIN DEFERRED"))
        stack.enter_context(django_db_blocker.unblock())
        stack.callback(empty_now)

        def site_with(fill: Callable[[], object]) -> Site:
            site = stack.enter_context(served(environment_with(media)))
            with override_settings(MEDIA_ROOT=media):
                fill()
            return site

        yield site_with


@pytest.fixture(scope="package")
def browser(chromium, django_db_setup) -> Iterator:
    """A browser for the tests in this folder; each test has separate contexts."""
    from playwright.sync_api import sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, in which Django refuses database queries.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        connections.close_all()  # with an event loop, Django opens a connection that pytest-django does not close
        browser.close()


@pytest.fixture
def open_browser(site, browser) -> Iterator[Callable]:
    """Open a separate window on the site without a login; the page has a list of `complaints`."""
    contexts = []

    def open_browser(**options):
        context = browser.new_context(base_url=site.address, **options)
        contexts.append(context)
        context.set_default_timeout(60_000)  # a time limit, not a performance requirement
        context.add_init_script(WATCH)
        page, complaints = context.new_page(), []
        page.on(
            "console",
            lambda message: message.type in ("error", "warning") and complaints.append(describe_message(page, message)),
        )
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.complaints = complaints
        return page

    yield open_browser
    for context in contexts:
        context.close()


def describe_message(page, message) -> str:
    return f"{page.url.partition(':')[2]}: {message.text}"


@pytest.fixture
def page(open_browser, site):
    """A window with the curator logged in."""
    page = open_browser(viewport={"width": 1280, "height": 900})
    site.be_known(page)
    return page


@pytest.fixture
def tables(transactional_db) -> Callable[[], dict[str, list[tuple]]]:
    """Return every row of the tables of people and places with all columns, including provenance and corrections."""

    def tables() -> dict[str, list[tuple]]:
        addresses = {}
        with connection.cursor() as cursor:
            for model in apps.get_app_config("people").get_models():
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")
                addresses[table] = cursor.fetchall()
        return addresses

    return tables


@pytest.fixture
def people_files() -> tuple[Path, Path]:
    """The original files of people and places, or the samples if those are not available."""
    folder = Path(os.environ.get("REAL_DATA") or ROOT.parent / "shared" / "data", "people")
    folder = folder if folder.is_dir() else ROOT / "fixtures_src" / "people"
    return folder / "people.csv", folder / "places.csv"


@pytest.fixture
def a_bit_of_everything(site) -> None:
    """Import all samples, then delete and correct records, as a superuser."""
    from census.models import Respondent
    from curation.history import edits
    from people.models import Person, Place

    grace = get_user_model().objects.get()
    grace.is_superuser = True
    grace.save()
    call_command("import_sources", verbosity=0)
    edits.delete(Person.objects.filter(pk=Person.objects.last().pk), grace)
    edits.delete(Respondent.objects.filter(pk=Respondent.objects.last().pk), grace)
    edits.correct(Place.objects.filter(city="Thornmouth"), {"country": "Corrected"}, grace)
    edits.correct(Person.objects.filter(pk=Person.objects.first().pk), {"family_name": "Corrected"}, grace)
