"""The worklist of rejected rows: each once over all imports, by problem; fix, check, import, ignore and open again."""

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command

from curation.history.undo import undo_run
from experiments.models import User
from imports.models import ImportRun, RejectedRow, ResolvedRow
from people.models import Person, Place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]

HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PLACES = "city,county,country\nBath,Somerset,England\nDerry,Londonderry,Northern Ireland\nKelso,Roxburgh,Scotland\n"
ROWS = (
    "Ann,Mac,1901-02-03,Kelso\nBob,Oak,1950-02-30,Derry\nGus,Elm,1950-12-31,Atlantis\n"
    "Ida,Fir,1950-12-30,Atlantis\nJoy,Yew,1950-12-29,Lyonesse\n"
)
ADDRESS = "/admin/imports/rejectedrow/worklist/people/"


@pytest.fixture
def rejected(write, importing):
    """Import people of whom four are rejected; return the run."""
    importing("people", write("places.csv", PLACES))
    return importing("people", write("people.csv", HEADER + ROWS))["run"]


@pytest.fixture
def worklist(curator, rejected):
    """Return the text of the worklist, without its markup."""

    def worklist(**parameters) -> str:
        answer = curator.get(ADDRESS, parameters)
        assert answer.status_code == 200, answer.text
        return text(answer)

    return worklist


def text(answer) -> str:
    content = answer.text.partition('id="content-main"')[2].partition('id="footer"')[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", content)))


def row(line: int) -> RejectedRow:
    return RejectedRow.objects.filter(line=line).latest("pk")


def cell(line: int, index: int) -> str:
    return f"cell-{row(line).pk}-{index}"


def group(curator, name: str, address: str = ADDRESS) -> str:
    """Return the key of the group with a problem in the column *name*."""
    return re.search(rf"problem=([0-9a-f]+)[^>]*>{name}", curator.get(address).text)[1]


def applied(curator, answer) -> ImportRun:
    """Apply the run that a form has started."""
    run = ImportRun.objects.latest("pk")
    assert answer.status_code == 302, text(answer)
    assert answer["Location"] == f"/admin/imports/importrun/{run.pk}/change/"
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert run.status == "previewed", run.error
    curator.post(f"/admin/imports/importrun/{run.pk}/apply/")
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert run.status == "applied", run.error
    return run


@pytest.mark.both_engines
def test_rows_are_grouped_by_problem_with_their_frequent_values(worklist):
    listed = worklist()
    assert "place_of_birth: refers to an unknown place (looked up in places.city) people 3 Atlantis 2× Lyonesse 1×" in (
        listed
    )
    assert "date_of_birth: is not a date written year-month-day, such as 1984-03-01 people 1 1950-02-30 1×" in listed


@pytest.mark.both_engines
def test_a_row_is_listed_once_over_all_imports(worklist, write, importing):
    again = importing("people", write("people.csv", HEADER + ROWS.replace("Ann,Mac,1901-02-03,Kelso\n", "")))["run"]
    listed = worklist()
    assert listed.count("people.csv, line") == 4
    assert f"people.csv, line 2 · run {again}" in listed
    # A row that its file no longer contains is not listed.
    importing("people", write("people.csv", HEADER + ROWS.partition("Ida")[0]))
    assert worklist().count("people.csv, line") == 2


def test_a_preview_adds_no_rows(worklist, previewed):
    previewed(people=HEADER + "Pip,Ash,never,Kelso\n")
    assert "never" not in worklist()


def test_filters_narrow_the_list(worklist, curator):
    assert worklist(column="date_of_birth").count("people.csv, line") == 1
    assert worklist(file="other.csv").count("people.csv, line") == 0
    assert worklist(problem=group(curator, "place_of_birth")).count("people.csv, line") == 3
    assert worklist(state="fixed").count("people.csv, line") == 0
    for odd in ("state=odd", "page=0x1", "shoe=9"):
        assert curator.get(f"{ADDRESS}?{odd}").status_code == 400
    assert curator.get(ADDRESS.replace("people", "nothing")).status_code == 404


def test_a_long_list_is_paginated(curator, write, importing):
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", HEADER + "".join(f"Ann{n},Mac,never,Kelso\n" for n in range(45))))
    first, last = curator.get(ADDRESS), curator.get(f"{ADDRESS}?page=3")
    assert (text(first).count("people.csv, line"), text(last).count("people.csv, line")) == (20, 5)
    assert "Page 1 of 3" in first.text


@pytest.mark.both_engines
def test_a_list_that_is_too_long_is_grouped_and_changed_partly(curator, worklist, monkeypatch):
    assert "applies to at most" not in worklist()
    for module in ("imports.worklist", "curation.admin.worklist_views", "curation.dashboard.open_tasks"):
        monkeypatch.setattr(f"{module}.AT_MOST", 2)
    assert "The table counts only the first 2 rows." in worklist()
    assert "2+ open rejected rows" in curator.get("/admin/").text
    curator.post(ADDRESS, {"all": "on", "_ignore": ""})
    assert worklist().count("people.csv, line") == 2


def test_a_changed_row_is_checked_without_an_import(curator, worklist):
    runs = ImportRun.objects.count()
    answer = curator.post(ADDRESS, {cell(3, 2): "1950-02-29", cell(4, 3): "Bath", "_check": ""})
    shown = text(answer)
    assert "1 of 2 changed rows would be accepted." in shown and "Import 1 fixed row " in shown
    assert 'Still wrong: date_of_birth "1950-02-29" is not a date' in shown
    assert f'name="{cell(4, 3)}" value="Bath"' in answer.text
    assert ImportRun.objects.count() == runs and not ResolvedRow.objects.exists()


@pytest.mark.both_engines
def test_a_check_finds_unknown_references_and_missing_values(curator, worklist):
    shown = text(curator.post(ADDRESS, {cell(4, 3): "Mu", cell(3, 2): "", "_check": ""}))
    assert "0 of 2 changed rows would be accepted." in shown
    assert 'place_of_birth "Mu" refers to an unknown place (looked up in places.city) (1 row)' in shown
    assert "date_of_birth is missing" in shown
    assert "Nothing was changed." in curator.post(ADDRESS, {"_check": ""}).text


@pytest.mark.both_engines
def test_fixed_rows_are_previewed_applied_and_stay_fixed(curator, worklist, write, importing, rejected):
    posted = {cell(3, 2): "1950-02-28", cell(4, 3): "Bath", cell(5, 3): "Mu", "_import": ""}
    run = applied(curator, curator.post(ADDRESS, posted))
    assert [(file.name, file.read, file.created) for file in run.files.all()] == [("people.csv", 2, 2)]
    gus = Person.objects.get(given_name="Gus")
    assert (gus.created_line, gus.place_of_birth.city) == (4, "Bath")
    assert worklist().count("people.csv, line") == 2
    rejecting = curator.get(f"/admin/imports/importrun/{rejected}/change/?tab=rejected")
    assert text(rejecting).count(f"Fixed by run {run.pk}") == 2
    fixed = worklist(state="fixed")
    assert fixed.count(f"Fixed by run {run.pk}") == 2 and f"people {gus.pk}" in fixed
    report = importing("people", write("people.csv", HEADER + ROWS), "--delete-missing")
    assert report.counts["people"] == {"read": 5, "unchanged": 1, "rejected": 2, "fixed_before": 2}
    assert worklist().count("people.csv, line") == 2


def test_all_rows_of_a_group_are_changed_at_once(curator, worklist):
    address = f"{ADDRESS}?problem={group(curator, 'place_of_birth')}"
    shown = text(curator.post(address, {"old": "Atlantis", "new": "Kelso", "_check": ""}))
    assert "2 of 2 changed rows would be accepted." in shown
    # The form also sends the unchanged cells, which are ignored.
    posted = {"old": "", "new": "Kelso", cell(6, 3): "Derry", cell(4, 3): "Atlantis", "_import": ""}
    applied(curator, curator.post(address, posted))
    born = dict(Person.objects.values_list("given_name", "place_of_birth__city"))
    assert born == {"Ann": "Kelso", "Gus": "Kelso", "Ida": "Kelso", "Joy": "Derry"}


@pytest.mark.both_engines
def test_after_an_undo_the_rows_are_open_again(curator, worklist, write, importing):
    run = applied(curator, curator.post(ADDRESS, {cell(4, 3): "Bath", "_import": ""}))
    assert worklist().count("people.csv, line") == 3
    importing("people", write("people.csv", HEADER + ROWS))  # meets the row as fixed
    assert worklist().count("people.csv, line") == 3
    undo_run(run)
    assert worklist().count("people.csv, line") == 4


def test_a_row_that_is_still_rejected_is_listed_as_sent(curator, worklist, write, importing, rejected):
    fixed = f"line,problems,{HEADER}4,,Gus,Elm,1950-12-31,Mu\n"
    again = importing("people", write(f"people.csv.rejected-{rejected}.csv", fixed))["run"]
    listed = worklist()
    assert listed.count("people.csv, line 4") == 1 and f"people.csv, line 4 · run {again}" in listed
    run = applied(curator, curator.post(ADDRESS, {cell(4, 3): "Bath", "_import": ""}))
    assert run.uploads[0]["name"] == f"people.csv.rejected-{rejected}.csv"
    assert worklist().count("people.csv, line") == 3


@pytest.mark.both_engines
def test_ignored_rows_leave_the_list_and_can_be_opened_again(curator, worklist, write, importing):
    posted = {"_selected_action": [row(3).pk, row(4).pk], "_reason": "not people", "_ignore": ""}
    assert curator.post(ADDRESS, posted)["Location"].startswith("?")
    assert worklist().count("people.csv, line") == 2
    assert worklist(state="ignored").count("Ignored by cora") == 2 and "not people" in worklist(state="ignored")
    report = importing("people", write("people.csv", HEADER + ROWS))
    assert report.counts["people"] == {"read": 5, "unchanged": 1, "rejected": 2, "ignored": 2}
    curator.post(f"{ADDRESS}?state=ignored", {"_selected_action": [row(3).pk], "_reopen": ""})
    assert worklist().count("people.csv, line") == 3
    curator.post(f"{ADDRESS}?problem={group(curator, 'place_of_birth')}", {"all": "on", "_ignore": ""})
    assert worklist().count("people.csv, line") == 1
    assert "No rows are selected." in curator.post(ADDRESS, {"_ignore": ""}, follow=True).text


def test_a_strict_import_succeeds_if_no_row_is_open(curator, worklist, write, importing):
    curator.post(ADDRESS, {"all": "on", "_ignore": ""})
    assert importing("people", write("people.csv", HEADER + ROWS), "--strict").counts["people"]["ignored"] == 4


def test_the_parent_table_is_suggested(curator, worklist, monkeypatch):
    page = curator.get(ADDRESS).text
    assert '<datalist id="values-people-place_of_birth"><option value="Bath"></option>' in page
    assert "hx-get" not in page
    monkeypatch.setattr("imports.suggested_values.MOST_LISTED", 2)
    page = curator.get(ADDRESS).text
    assert '<datalist id="values-people-place_of_birth"></datalist>' in page
    address = re.search('hx-get="([^"]+)"', page)[1].replace("&amp;", "&")
    assert curator.get(f"{address}&new=ke").text.strip() == '<option value="Kelso"></option>'
    Place.objects.bulk_create(Place(city=f"Town {n}", county="A", country="B") for n in range(30))
    assert curator.get(f"{address}&cell-1-3=town").text.count("<option") == 20
    assert curator.get(f"{ADDRESS}suggestions/?source=people&column=shoe").status_code == 404


def test_users_without_the_import_permission_can_only_view(client, rejected):
    user = get_user_model().objects.create_user("ana", is_staff=True)
    client.force_login(user)
    searched = f"{ADDRESS}suggestions/?source=people&column=place_of_birth&new=K"
    assert (client.get(ADDRESS).status_code, client.get(searched).status_code) == (403, 403)
    user.user_permissions.set(Permission.objects.filter(codename="view_rejectedrow"))
    page = client.get(ADDRESS)
    assert text(page).count("people.csv, line") == 4 and "Check again" not in page.text and "<datalist" not in page.text
    # Without permission for places, their names are not suggested.
    assert "Kelso" not in client.get(searched).text
    for name in ("_check", "_import", "_ignore"):
        assert client.post(ADDRESS, {cell(4, 3): "Bath", "all": "on", name: ""}).status_code == 403
    assert not ResolvedRow.objects.exists()


def test_masked_personal_data_cannot_be_changed(curator, write, importing):
    users = "user_id,name,email,signup_date\n1,Ann,ann@example.com,never\n2,Bo,bo at example,2024-01-05\n"
    importing("experiments", write("users.csv", users))
    address = "/admin/imports/rejectedrow/worklist/experiments/"
    page = curator.get(address).text
    assert "ann@example.com" not in page and "bo at example" not in page and "email: is not valid" in page
    # The file of fixed rows has the address nevertheless.
    posted = {cell(2, 3): "2024-01-04", cell(2, 2): "x@example.com", cell(3, 2): "y@example.com", "_import": ""}
    applied(curator, curator.post(address, posted))
    assert list(User.objects.values_list("name", "email")) == [("Ann", "ann@example.com")]


@pytest.mark.both_engines
def test_one_member_of_a_list_is_replaced(curator, write, importing):
    importing("experiments", write("users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.com,2024-01-05\n"))
    importing(
        "experiments", write("compounds.csv", "compound_id,compound_name,compound_structure\n1,Ash,CCO\n2,Bay,CC\n")
    )
    rows = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;9,20\n"
    importing("experiments", write("user_experiments.csv", rows))
    address = "/admin/imports/rejectedrow/worklist/experiments/"
    key = group(curator, "experiment_compound_ids", address)
    run = applied(curator, curator.post(f"{address}?problem={key}", {"old": "9", "new": "2", "_import": ""}))
    assert list(run.files.values_list("created", flat=True)) == [1]


def test_a_broken_line_is_fixed_in_a_file(curator, write, importing):
    importing("people", write("people.csv", HEADER + "Too,many,1901-02-03,Kelso,cells\n"))
    assert "This row cannot be fixed here." in curator.get(ADDRESS).text


def test_the_page_of_a_run_accepts_the_fixed_file(curator, rejected):
    page = curator.get(f"/admin/imports/importrun/{rejected}/change/?tab=rejected").text
    assert "Download the open rows of people.csv" in page and "Upload the fixed file" in page
    assert f'href="{ADDRESS}"' in page
