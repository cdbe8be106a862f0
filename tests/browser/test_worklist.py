"""Rejected rows in a real browser: fix them on the worklist, import them, and import their file again."""

from tests.browser.test_curation import apply, counts, expect_outcome, upload

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
ROWS = "Ann,Mac,1901-02-03,Kelso\nGus,Elm,1950-12-31,Atlantis\nIda,Fir,1950-12-30,Atlantis\nJoy,Yew,never,Kelso\n"


def test_fix_rejected_rows_import_them_and_their_file_again(page, site, write, importing):
    towns = "".join(f"Town {n},A,B\n" for n in range(250))
    importing("people", write("places.csv", f"city,county,country\nKelso,Roxburgh,Scotland\n{towns}"))
    people = write("people.csv", HEADER + ROWS)
    importing("people", people)
    site.work()

    page.goto("/admin/")
    page.get_by_role("link", name="3 open rejected rows").click()
    page.get_by_role("link", name="place_of_birth: refers to an unknown place").click()
    page.get_by_label("place_of_birth: replace").select_option("Atlantis")
    replacement = page.get_by_label("with", exact=True)
    replacement.press_sequentially("kel")  # there are too many places to list: the browser requests suggestions
    page.locator('datalist option[value="Kelso"]').wait_for(state="attached")
    replacement.fill("Kelso")
    page.get_by_role("button", name="Check again").click()
    page.get_by_text("2 of 2 changed rows would be accepted.").wait_for()
    page.get_by_role("button", name="Import 2 fixed rows").click()
    expect_outcome(page, "Previewed")
    assert counts(page)["people"] == {"read": 2, "created": 2}
    apply(page)

    page.goto("/admin/imports/rejectedrow/worklist/people/")
    page.get_by_label("date_of_birth, line 5").fill("1950-12-29")
    page.get_by_role("button", name="Check again").click()
    page.get_by_text("Would be accepted.", exact=True).wait_for()
    page.get_by_role("checkbox", name="Select line 5").check()
    page.get_by_label("Reason (optional)").fill("asked the family")
    page.get_by_role("button", name="Ignore rows").click()
    page.get_by_text("1 row ignored.").wait_for()

    upload(page, people)
    expect_outcome(page, "Previewed")
    assert counts(page)["people"] == {"read": 4, "unchanged": 1, "fixed before": 2, "ignored": 1}
    assert page.complaints == []
