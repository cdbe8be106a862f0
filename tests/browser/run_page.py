"""Read the page of a run in a browser, and press its buttons."""

import re
from pathlib import Path


def upload(page, *files: Path) -> None:
    """Upload files of people and start a preview."""
    page.goto("/admin/people/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Files:", exact=True).set_input_files(files)
    page.get_by_role("button", name="Preview import").click()
    page.get_by_role("heading", name=re.compile(r"^Run \d+ of people$")).wait_for()


def expect_outcome(page, status: str) -> None:
    """Wait until the run page updates itself to the given status."""
    page.locator(f"#run-outcome:text-is('{status}')").wait_for()


def apply(page) -> None:
    page.get_by_role("button", name="Apply to People").click()
    expect_outcome(page, "Applied")


def counts(page) -> dict[str, dict[str, int]]:
    """Return the nonzero counts of each source on the page."""
    names, *rows = [row.all_inner_texts() for row in map(cells, page.locator(".run-counts tr").all())]
    counted = {source: dict(zip(names[1:], map(number, numbers), strict=True)) for source, *numbers in rows}
    return {source: {name.lower(): n for name, n in result.items() if n} for source, result in counted.items()}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def cells(row):
    return row.locator("th, td")


def entries(page, tab: str) -> list[str]:
    """Return the entries of a tab of the run page, each as its cells in one line."""
    page.locator(".run-tabs").get_by_text(re.compile(rf"^{tab} \(")).click()
    assert page.locator(".run-tabs [aria-current]").inner_text().startswith(tab)
    return shown_entries(page)


def shown_entries(page) -> list[str]:
    """Return the entries of the open tab, each as its cells in one line."""
    return [re.sub(r"\s*\n\s*|\t", " | ", entry) for entry in page.locator(".run-entry").all_inner_texts()]


def lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()
