"""The history of a record lists every change in order; deleted records can be found and restored."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from census.models import EducationLevel
from curation.history.undo import undo_run
from experiments.models import User, UserExperiment
from imports.models import Edit, ImportRun
from tests.confirming import confirm

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,Aspirin,C\n2,Borax,H\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n7,1,1;2,5\n"
HISTORY = "/admin/experiments/user/1/history/"


@pytest.fixture
def folder(bring):
    return bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)


def entries_of(page) -> list[tuple]:
    """Return each entry of a history: kind, user or run, origin and fields."""
    return [
        (
            entry.kind,
            f"run {entry.run.pk}" if entry.run else str(entry.change.edit.user),
            entry.file and (entry.file.name, entry.line),
            *(
                (d.label, d.before, d.after, d.mark) if d.mark else (d.label, d.before, d.after)
                for d in entry.differences
            ),
        )
        for entry in page.context["entries"]
    ]


def correct(client, **new):
    form = {"name": "Ann", "email": "ann@example.org", "signup_date": "2023-01-01"} | new
    assert client.post("/admin/experiments/user/1/change/", form).status_code == 302


def test_every_change_is_reported_in_order(admin_client, write, importing, folder):
    runs = list(ImportRun.objects.order_by("pk"))
    correct(admin_client, name="Anne")
    write("all/users.csv", USERS.replace("1,Ann,ann@", "1,Hanna,hanna@"))
    importing("experiments", folder)
    runs = list(ImportRun.objects.order_by("pk"))
    confirm(admin_client, "/admin/experiments/user/1/revert/name/")
    page = admin_client.get(HISTORY)
    first = [("user", None, "1"), ("name", None, "Ann"), ("e-mail", None, "ann@example.org")]
    assert entries_of(page) == [
        ("Created", f"run {runs[0].pk}", ("users.csv", 2), *first, ("signup date", None, "2023-01-01")),
        ("Updated", "admin", None, ("name", "Ann", "Anne", "corrected")),
        (
            "Updated",
            f"run {runs[1].pk}",
            ("users.csv", 2),
            ("name (file value)", "Ann", "Hanna"),
            ("e-mail", "ann@example.org", "hanna@example.org"),
        ),
        ("Updated", "admin", None, ("name", "Anne", "Hanna", "reverted")),
    ]
    assert f'href="/admin/imports/importrun/{runs[1].pk}/change/">run {runs[1].pk}</a>' in page.text
    assert "<style" not in page.text and " style=" not in page.text


@pytest.mark.only_on("sqlite")
def test_references_are_shown_by_their_labels(admin_client, folder):
    experiment = {"user": 2, "experiment_run_time": "5.0", "compounds": [2]}
    admin_client.post("/admin/experiments/userexperiment/7/change/", experiment)
    last = entries_of(admin_client.get("/admin/experiments/userexperiment/7/history/"))[-1]
    assert last[3:] == (("user", "Ann", "Bob", "corrected"), ("compounds", "Aspirin, Borax", "Borax", "corrected"))


@pytest.mark.only_on("sqlite")
def test_an_unchanged_record_shows_the_run_that_created_it(admin_client, folder):
    page = admin_client.get("/admin/experiments/compound/2/history/")
    assert [entry[:3] for entry in entries_of(page)] == [
        ("Created", f"run {ImportRun.objects.get().pk}", ("compounds.csv", 3))
    ]
    assert admin_client.get("/admin/experiments/compound/9/history/").status_code == 302
    assert admin_client.get("/admin/experiments/compound/nine/history/").status_code == 404


def test_an_undo_is_reported(admin_client, write, importing, folder):
    write("all/users.csv", USERS.replace("Ann", "Hanna"))
    importing("experiments", folder)
    undo_run(ImportRun.objects.first())
    page = admin_client.get(HISTORY)
    assert [entry[3:] for entry in entries_of(page)][1:] == [(("name", "Ann", "Hanna"),), (("name", "Hanna", "Ann"),)]
    assert "(undone later)" in page.text and "undoing run" in page.text


def test_a_deleted_record_can_be_found_and_restored(admin_client, folder):
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    assert not UserExperiment.objects.exists()
    page = admin_client.get("/admin/experiments/userexperiment/deleted/")
    assert "Deleted by admin" in page.text and "Aspirin, Borax" in page.text
    history = admin_client.get("/admin/experiments/userexperiment/7/history/")
    assert [entry[0] for entry in entries_of(history)] == ["Created", "Deleted"]
    restore = "/admin/experiments/userexperiment/7/restore/"
    assert f'action="{restore}"' in history.text and f'action="{restore}"' in page.text
    assert admin_client.get(restore).status_code == 405
    assert "Experiment 7 restored." in confirm(admin_client, restore, follow=True).text
    assert sorted(UserExperiment.objects.get().compounds.values_list("pk", flat=True)) == [1, 2]
    assert "There is no deletion that can be reversed" in confirm(admin_client, restore, follow=True).text
    assert admin_client.get("/admin/experiments/userexperiment/deleted/").context["rows"] == []


def test_deleted_records_can_be_searched_without_re_created_ones(admin_client, importing, write, folder):
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [1, 2], "post": "yes"}
    confirm(admin_client, "/admin/experiments/user/", chosen)
    assert not User.objects.exists() and Edit.objects.count() == 2
    address = "/admin/experiments/user/deleted/"
    assert {row["key"] for row in admin_client.get(address).context["rows"]} == {"1", "2"}
    assert [row["label"] for row in admin_client.get(address, {"q": "bo"}).context["rows"]] == ["user 2: Bob"]
    User.objects.create(user_id=2, name="New", email="n@example.org", signup_date="2020-01-01")
    assert [row["key"] for row in admin_client.get(address).context["rows"]] == ["1"]
    assert (
        "Existing records have the same key"
        not in confirm(admin_client, "/admin/experiments/user/1/restore/", follow=True).text
    )
    assert User.objects.count() == 2


def test_records_that_a_run_deleted_are_listed_with_the_run(admin_client, importing, write, folder):
    write("all/users.csv", "\n".join(USERS.splitlines()[:2]))
    importing("experiments", folder, "--delete-missing")
    page = admin_client.get("/admin/experiments/user/deleted/")
    assert f'Deleted by <a href="/admin/imports/importrun/{ImportRun.objects.first().pk}/change/">' in page.text
    assert "Restore " not in page.text
    assert (
        "There is no deletion that can be reversed"
        in confirm(admin_client, "/admin/experiments/user/2/restore/", follow=True).text
    )


def test_a_restore_with_conflicts_is_refused_with_a_message(admin_client, folder):
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    confirm(admin_client, "/admin/experiments/user/1/delete/", {"post": "yes"})
    page = confirm(admin_client, "/admin/experiments/userexperiment/7/restore/", follow=True)
    assert "Restore the deleted records first: user 1." in page.text


@pytest.mark.parametrize("action", ["one", "selected"])
def test_the_deletion_of_a_referenced_record_lists_the_references(admin_client, folder, action):
    if action == "one":
        page = confirm(admin_client, "/admin/experiments/user/1/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [1, 2], "post": "yes"}
        page = confirm(admin_client, "/admin/experiments/user/", chosen)
    assert page.status_code == 200
    assert "1 experiment:" in page.text
    assert '<a href="/admin/experiments/userexperiment/7/change/">experiment 7</a>' in page.text
    assert User.objects.count() == 2 and not Edit.objects.exists()


def test_the_deletion_of_a_record_is_refused_if_a_new_reference_appears(admin_client, folder, monkeypatch):
    monkeypatch.setattr("curation.admin.record_editing.EditedAdmin._referring", lambda *_: [])
    page = confirm(admin_client, "/admin/experiments/user/1/delete/", {"post": "yes"}, follow=True)
    assert "cannot be deleted because other records refer to them: 1 experiment (7)." in page.text
    chosen = {"action": "delete_selected", "_selected_action": [1], "post": "yes"}
    assert "cannot be deleted" in confirm(admin_client, "/admin/experiments/user/", chosen, follow=True).text
    assert User.objects.count() == 2


def test_values_of_a_vocabulary_have_a_history_too(admin_client, transactional_db):
    admin_client.post("/admin/census/educationlevel/add/", {"name": "Master", "years": 14})
    level = EducationLevel.objects.get()
    admin_client.post(f"/admin/census/educationlevel/{level.pk}/change/", {"name": "Masters", "years": 14})
    confirm(admin_client, f"/admin/census/educationlevel/{level.pk}/delete/", {"post": "yes"})
    page = admin_client.get(f"/admin/census/educationlevel/{level.pk}/history/")
    assert [entry[0] for entry in entries_of(page)] == ["Created", "Updated", "Deleted"]
    confirm(admin_client, f"/admin/census/educationlevel/{level.pk}/restore/")
    assert EducationLevel.objects.get().name == "Masters"


@pytest.mark.only_on("sqlite")
def test_addresses_are_masked_for_users_without_the_permission(admin_client, staff, folder):
    correct(admin_client, email="secret@example.net")
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    confirm(admin_client, "/admin/experiments/user/1/delete/", {"post": "yes"})
    edit = Edit.objects.get(action="corrected").pk
    client = staff("view_user", "view_edit")
    for address in (HISTORY, "/admin/experiments/user/deleted/", f"/admin/imports/edit/{edit}/change/"):
        page = client.get(address).text
        assert "s****@example.net" in page, address
        assert not re.search(r"secret@|ann@", page), address
    assert client.get("/admin/experiments/user/deleted/", {"q": "secret"}).context["rows"] == []


@pytest.mark.only_on("sqlite")
def test_viewing_and_restoring_need_permissions(admin_client, staff, folder):
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    client = staff("view_user")
    for page in ("7/history/", "deleted/", "bulk/"):
        assert client.get(f"/admin/experiments/userexperiment/{page}").status_code == 403, page
    client = staff("view_userexperiment", "change_userexperiment")
    assert "Restore " not in client.get("/admin/experiments/userexperiment/7/history/").text
    assert client.post("/admin/experiments/userexperiment/7/restore/").status_code == 403
    assert client.get("/admin/imports/edit/").status_code == 403


@pytest.mark.only_on("sqlite")
def test_a_long_history_is_reported_page_by_page(admin_client, folder, monkeypatch):
    monkeypatch.setattr("curation.admin.history_views.PAGE", 2)
    for name in ("A", "B", "C"):
        correct(admin_client, name=name)
    first, second = (entries_of(admin_client.get(HISTORY, {"p": page})) for page in (1, 2))
    assert [entry[0] for entry in first] == ["Created", "Updated", "Updated"]
    assert [entry[3] for entry in second] == [("name", "B", "C")]


@pytest.mark.only_on("sqlite")
def test_a_history_takes_a_fixed_number_of_queries(admin_client, write, importing, folder):
    def queries(address):
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(address).status_code == 200
        return len(captured)

    address = "/admin/experiments/userexperiment/7/history/"
    counts = []
    for time in range(3):
        experiment = {"user": 1 + time % 2, "experiment_run_time": str(time), "compounds": [1 + time % 2]}
        admin_client.post("/admin/experiments/userexperiment/7/change/", experiment)
        write("all/user_experiments.csv", EXPERIMENTS.replace(",5", f",{time + 10}"))
        importing("experiments", folder)
        counts.append(queries(address))
    # Session, user, the row as it is, how many changes, the changes, the files, the users, the compounds, the comments.
    assert counts == [9, 9, 9]
    confirm(admin_client, "/admin/experiments/userexperiment/7/delete/", {"post": "yes"})
    assert queries("/admin/experiments/userexperiment/deleted/") == 6
