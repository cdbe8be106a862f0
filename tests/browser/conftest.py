"""A browser, and the site as it is run: gunicorn and the worker, in processes of their own, on the test's database."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import global_settings
from django.contrib.auth import get_user_model
from django.db import connection, connections

ROOT = Path(__file__).resolve().parents[2]
# A browser's own word for each thing that the policy forbade, kept across pages as the console's are.
WATCH = """
addEventListener("securitypolicyviolation", event => console.error(
  `policy: ${event.effectiveDirective} forbids ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclass
class Site:
    """Where the site answers, who may sign in, and its processes."""

    address: str
    environment: dict[str, str]
    name: str = "grace"
    password: str = "nine lives of a cat"
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self, *arguments: str, **options) -> None:
        """Start a Python module or file with the test's database; it ends with the test."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, *arguments]
        self.processes.append(subprocess.Popen(command, cwd=ROOT, env=self.environment, **(quiet | options)))

    def work(self) -> None:
        """Start the worker that rehearses and applies what pages ask for."""
        self.start("manage.py", "worker", "--interval", "0.1")

    def sign_in(self, page, address: str = "/admin/") -> None:
        """Fill in the form that stands before an address, and send it."""
        page.goto(address)
        page.get_by_label("Username").fill(self.name)
        page.get_by_label("Password").fill(self.password)
        page.get_by_role("button", name="Log in").click()

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def site(chromium, child_environment, settings) -> Iterator[Site]:
    """The site, served; what waits for a worker waits until one is started."""
    from django.contrib.auth.models import Group  # not before Django is set up

    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # the server's: it checks what we make
    user = get_user_model().objects.create_user(Site.name, password=Site.password, is_staff=True)
    user.groups.add(Group.objects.get(name="Curators"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # requests wait here until gunicorn takes them
        served = Site(f"http://127.0.0.1:{listening.getsockname()[1]}", child_environment)
        bound = ["--bind", f"fd://{listening.fileno()}", "--no-control-socket"]
        gunicorn = ["config.wsgi", *bound, "--worker-class", "gthread", "--threads", "4", "--log-level", "warning"]
        served.start("-m", "gunicorn", *gunicorn, pass_fds=[listening.fileno()])
    yield served
    served.stop()


@pytest.fixture
def open_browser(site, chromium, monkeypatch) -> Iterator[Callable]:
    """Open a window of its own on the site, with nobody signed in: a page that has `complaints`."""
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread, and Django would not let a test ask the database beside it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def open_browser(**options):
            context = browser.new_context(base_url=site.address, **options)
            context.set_default_timeout(60_000)  # when to give up, not a promise
            context.add_init_script(WATCH)
            page, complaints = context.new_page(), []
            page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(told(page, said)))
            page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
            page.complaints = complaints
            return page

        yield open_browser
        connections.close_all()  # beside a loop, Django opens another connection than the one that pytest-django closes
        browser.close()


def told(page, said) -> str:
    return f"{page.url.partition(':')[2]}: {said.text}"


@pytest.fixture
def page(open_browser, site):
    """A window in which the curator has signed in."""
    page = open_browser(viewport={"width": 1280, "height": 900})
    site.sign_in(page)
    page.get_by_role("heading", name="Datasets").wait_for()
    return page


@pytest.fixture
def tables(transactional_db) -> Callable[[], dict[str, list[tuple]]]:
    """Every row of every table of people and places, with every column: keys, provenance, corrections and all."""

    def tables() -> dict[str, list[tuple]]:
        found = {}
        with connection.cursor() as cursor:
            for model in apps.get_app_config("people").get_models():
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")
                found[table] = cursor.fetchall()
        return found

    return tables


@pytest.fixture
def people_files() -> tuple[Path, Path]:
    """The files of people and places as received, or the samples where those are not there."""
    folder = Path(os.environ.get("REAL_DATA") or ROOT.parent / "shared" / "data", "people")
    folder = folder if folder.is_dir() else ROOT / "fixtures_src" / "people"
    return folder / "people.csv", folder / "places.csv"
