"""A person at a page in a browser, whose clicks and filled fields are counted."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.run_page import entries


def tab_to(page, selector: str, most: int = 150) -> None:
    """Press Tab until the selected element has the focus, at most *most* times."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{most} times Tab do not lead to {selector} on {page.url}")


class Visitor:
    """A person at a page, whose clicks and filled fields are counted."""

    def __init__(self, page):
        self.page, self.clicks, self.fields = page, 0, 0

    @contextmanager
    def task(self, *, clicks: int, fields: int) -> Iterator[None]:
        """Do a task with at most the given numbers of clicks and fields."""
        self.clicks = self.fields = 0
        yield
        assert self.clicks <= clicks and self.fields <= fields, (self.clicks, self.fields)

    def click(self, role: str, name: str | re.Pattern[str], within: str = "body") -> None:
        self.clicks += 1
        self.page.locator(within).get_by_role(role, name=name, exact=True).click()

    def open(self, tab: str) -> list[str]:
        """Open a tab of the page of a run, and return its entries."""
        self.clicks += 1
        return entries(self.page, tab)

    def fill(self, label: str, text: str, within: str = "body") -> None:
        self.fields += 1
        self.page.locator(within).get_by_label(label, exact=True).fill(text)

    def select(self, label: str, option: str) -> None:
        self.fields += 1
        field = self.page.get_by_label(label)
        field.wait_for()
        self.page.wait_for_load_state()  # its script submits the form
        field.select_option(option)

    def search(self, words: str) -> None:
        """Go to the search box of the header with the keyboard, and search."""
        self.fields += 1
        self.page.locator("#searchbar").wait_for()
        self.page.wait_for_load_state()
        self.page.keyboard.press("/")
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")

    def choose(self, label: str, *files: Path) -> None:
        self.fields += 1
        self.page.get_by_label(label, exact=True).set_input_files(files)

    def download(self, role: str, name: str | re.Pattern[str]) -> Path:
        """Click on a download, and return the file with its suggested name."""
        with self.page.expect_download() as download:
            self.click(role, name)
        return Path(download.value.path()).rename(
            Path(download.value.path()).with_name(download.value.suggested_filename)
        )
