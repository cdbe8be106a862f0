"""The six tasks of a curator's day in a real browser, with the number of clicks and typed fields of each."""

import re
from collections import Counter

from people.models import Person
from tests.browser.test_curation import counts, entries, expect_outcome, shown_entries

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
NAMES = ["Ann", "Bob", "Cy", "Dee", "Eve", "Fay", "Gus", "Hal"]
ROWS = [f"{name},{name[::-1].title()}son,19{10 + n}-0{1 + n}-11,Kelso\n" for n, name in enumerate(NAMES)]
REJECTED = ["Joe,Eojson,1951-12-30,Atlantis\n", "Kit,Tikson,1951-11-30,Atlantis\n"]
MOST = {  # clicks and fields of each task
    "upload an edited file": (2, 1),
    "review it": (2, 0),
    "apply it": (1, 0),
    "fix the rejected rows": (6, 1),
    "correct a record and import again": (6, 2),
    "undo and redo": (4, 0),
}


class Curator:
    """A curator at a page, whose clicks and fields are counted by task."""

    def __init__(self, page):
        self.page, self.task = page, ""
        self.clicks, self.fields = Counter[str](), Counter[str]()

    def click(self, role: str, name: str | re.Pattern[str], within: str = "body") -> None:
        self.clicks[self.task] += 1
        self.page.locator(within).get_by_role(role, name=name, exact=True).click()

    def open(self, tab: str) -> list[str]:
        """Open a tab of the page of a run, and return its entries."""
        self.clicks[self.task] += 1
        return entries(self.page, tab)

    def fill(self, label: str, text: str) -> None:
        self.fields[self.task] += 1
        self.page.get_by_label(label, exact=True).fill(text)

    def preview(self, file) -> None:
        """Choose a file and preview its import."""
        self.fields[self.task] += 1
        self.page.get_by_label("Files:", exact=True).set_input_files(file)
        self.click("button", "Preview import")
        expect_outcome(self.page, "Previewed")

    def apply(self) -> None:
        self.click("button", "Apply to People")
        expect_outcome(self.page, "Applied")


def test_the_six_tasks_of_a_curators_day_take_few_clicks(page, site, write, importing):
    importing("people", write("places.csv", "city,county,country\nKelso,Roxburghshire,Scotland\n"))
    importing("people", write("people.csv", HEADER + "".join(ROWS)))
    edited = [ROWS[1].replace("Bob,", "Rob,"), *ROWS[2:], "Ida,Adison,1950-12-30,Kelso\n", *REJECTED]
    site.work()
    curator = Curator(page)
    page.goto("/admin/")

    curator.task = "upload an edited file"
    curator.click("link", "Import into People")
    curator.preview(write("people.csv", HEADER + "".join(edited)))

    curator.task = "review it"
    [changed] = shown_entries(page)  # the first tab with records is open
    [new], [missing] = (curator.open(tab) for tab in ("New", "Missing"))
    assert "given_name | Bob | Rob" in changed and "Ida" in new and "Ann" in missing

    curator.task = "apply it"
    curator.apply()
    assert set(Person.objects.values_list("given_name", flat=True)) == {"Rob", "Ida", *NAMES} - {"Bob"}

    curator.task = "fix the rejected rows"
    assert len(curator.open("Rejected")) == 2
    curator.click("link", "Fix or ignore the open rows of People")
    curator.click("link", re.compile("^place_of_birth: refers to an unknown place"))
    curator.fill("with", "Kelso")
    curator.click("button", "Check again")
    curator.click("button", "Import 2 fixed rows")
    expect_outcome(page, "Previewed")
    curator.apply()
    assert Person.objects.filter(given_name__in=["Joe", "Kit"], place_of_birth__city="Kelso").count() == 2

    curator.task = "correct a record and import again"
    curator.click("link", "people", within=".run-counts")
    curator.click("link", "Cy")
    curator.fill("Family name:", "Jonson")
    curator.click("button", "Save")
    curator.click("link", "Import", within=".object-tools")
    curator.preview(write("people.csv", HEADER + "".join([*edited, "Lou,Uolson,1952-12-30,Kelso\n"])))
    counted = counts(page)["people"]
    assert counted == {"read": 11, "created": 1, "unchanged": 8, "fixed before": 2, "missing": 1, "kept": 1}
    curator.apply()
    assert Person.objects.get(given_name="Cy").family_name == "Jonson"

    curator.task = "undo and redo"
    for verb, outcome, people in ("Undo", "Undone", 11), ("Redo", "Applied", 12):
        curator.click("link", re.compile(f"^{verb} run"))
        page.get_by_text(f"{verb}ing run").wait_for()
        curator.click("button", re.compile(f"^{verb} run"))
        expect_outcome(page, outcome)
        assert Person.objects.count() == people

    taken = {task: (curator.clicks[task], curator.fields[task]) for task in MOST}
    assert all(clicks <= MOST[task][0] and fields <= MOST[task][1] for task, (clicks, fields) in taken.items()), taken
    assert page.complaints == []
