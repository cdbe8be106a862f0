"""Take the screenshots of the documentation with Chromium, on a site with the sample data.

``make screenshots`` runs this script. It uses a separate database and writes ``docs/images/*.png``.
"""

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
PLACES = ROOT / "fixtures_src" / "people" / "places.csv"
MOVED = {3: "Ironvale", 8: "Hollinshire", 13: "Saltcoast", 21: "Fenmark"}  # new counties, by line of the file
CORRECTED = 20  # the place on the last of these lines
CHART = "kind=bar&x=marital_status&colour=income_over_50k&measure=share&age__gte=30"


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a site with the sample data from *folder*. Yield its URL and the password of the user ``curator``."""
    environment = os.environ | {
        "ENV_FILE": "",
        "DEBUG": "on",
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "MEDIA_ROOT": str(folder / "media"),
    }
    manage = [sys.executable, "manage.py"]
    options = {"cwd": ROOT, "env": environment}
    prepare = [*manage, "prepare", "--import-sources", "--demo-curator"]
    output = subprocess.run(prepare, check=True, capture_output=True, text=True, **options).stdout
    password = re.search(r"password (\S+)", output).group(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it queues requests until gunicorn is ready
        bind = f"fd://{listener.fileno()}"
        gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "config/gunicorn.py", "--bind", bind]
        processes = [
            subprocess.Popen(gunicorn, pass_fds=[listener.fileno()], **options),
            subprocess.Popen([*manage, "worker", "--interval", "0.2"], **options),
        ]
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", password
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def save(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png")


def moved_places(folder: Path) -> Path:
    """Write a copy of the sample places with some changed counties and one new place."""
    with PLACES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for line, county in MOVED.items():
        rows[line - 1][1] = county
    path = folder / PLACES.name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*rows, ["Newtown", "Ironvale", "Averland"]])
    return path


def take(page: Page, password: str, folder: Path) -> None:
    """Take the screenshots. The order matters: the dashboard shows the preview, and the preview shows a correction."""
    page.goto("/sign-in/")
    page.fill("#id_username", "curator")
    page.fill("#id_password", password)
    page.click("#login-form [type=submit]")
    page.wait_for_selector("#account-menu", state="attached")

    page.goto("/admin/census/respondent/?_facets=True")
    page.click("#list-drawer > summary")
    save(page, "respondents")

    page.goto(f"/admin/people/place/{CORRECTED}/change/")
    page.fill("#id_county", "Hollinshire-on-Sea")
    page.click("[name=_save]")
    page.wait_for_selector(".messagelist")

    page.goto("/admin/people/person/7/change/")
    page.fill("#id_given_name", "Harriette")
    page.click("[name=_continue]")
    page.wait_for_selector(".file-says")
    save(page, "corrected")

    page.goto("/admin/people/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.set_input_files("[type=file]", moved_places(folder))
    page.click(".run-actions .default")
    page.wait_for_selector(".run-entry")
    save(page, "review")

    page.goto("/admin/")
    save(page, "front-page")

    page.goto(f"/explore/census/respondents/chart/?{CHART}")
    page.wait_for_selector("svg.marks, canvas.marks")
    save(page, "explore")


def main() -> None:
    name = os.environ.get("CHROMIUM", "chromium")
    chromium = shutil.which(name) or sys.exit(
        f"{name} is not installed. Install Chromium, or set CHROMIUM to its path."
    )
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(folder := Path(scratch)) as (address, password),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900})
        take(page, password, folder)


if __name__ == "__main__":
    main()
