"""Edits and imports have an optional reason: a text of at most 500 characters."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from curation.history import edits
from curation.history.undo import undo_edit, undo_run
from experiments.models import User
from imports.models import Change, Edit, ImportRun
from people.models import Place
from tests.confirming import confirm
from tests.curation.run_pages import plain

pytestmark = pytest.mark.only_on("sqlite")

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"


@pytest.fixture
def users(bring):
    bring("experiments", users=USERS)
    return User.objects.filter(pk=1)


def reasons():
    return list(Edit.objects.order_by("pk").values_list("action", "reason"))


@pytest.mark.both_engines
def test_each_function_of_the_history_stores_a_reason(users, admin_user):
    edits.correct(users, {"name": "Anne"}, admin_user, reason="typing error")
    edits.revert(users, "name", admin_user, reason="the file is right")
    edits.delete(users, admin_user, reason="test account")
    edits.restore(Change.objects.filter(is_tombstone=True), User, admin_user, reason="no test account")
    edits.created(User.objects.create(pk=3, name="Cy", signup_date="2023-01-03"), admin_user, reason="not in the file")
    undo_edit(Edit.objects.first(), admin_user, reason="in the file now")
    assert {edit.dataset for edit in Edit.objects.all()} == {"experiments"}
    assert reasons() == [
        ("corrected", "typing error"),
        ("reverted", "the file is right"),
        ("deleted", "test account"),
        ("restored", "no test account"),
        ("created", "not in the file"),
        ("undone", "in the file now"),
    ]


def test_the_undo_of_a_run_stores_a_reason(users, admin_user):
    undo_run(ImportRun.objects.get(), admin_user, reason="wrong folder", dry_run=True)
    undo_run(ImportRun.objects.get(), admin_user, reason="wrong folder")
    assert reasons() == [("undone", "wrong folder")]
    assert Edit.objects.get().dataset == "experiments"


def test_a_reason_is_optional(users):
    edits.correct(users, {"name": "Anne"}, None)
    assert reasons() == [("corrected", "")]


FORM = {"name": "Anne", "email": "ann@example.org", "signup_date": "2023-01-01"}
EDITS = "/admin/imports/edit/"
PAGE, LIST = "/admin/experiments/user/1/", "/admin/experiments/user/"
BULK = {"field": "name", "value": "Same", "select_across": "1"}


def test_each_page_that_changes_records_accepts_a_reason(users, admin_client):
    admin_client.post(f"{PAGE}change/", FORM | {"_reason": " typing error "})
    confirm(admin_client, f"{PAGE}revert/name/", {"_reason": "the file is right"})
    confirm(admin_client, f"{LIST}bulk/", BULK | {"_apply": "x", "expected": "2", "_reason": "same name"})
    confirm(admin_client, f"/admin/imports/edit/{Edit.objects.first().pk}/undo/", {"_reason": "not same"})
    confirm(admin_client, f"{PAGE}delete/", {"post": "yes", "_reason": "test account"})
    confirm(admin_client, f"{PAGE}restore/", {"_reason": "no test account"})
    chosen = {"action": "delete_selected", "_selected_action": ["1", "2"]}
    confirm(admin_client, LIST, chosen | {"post": "yes", "_reason": "both"})
    admin_client.post(f"{LIST}add/", FORM | {"user_id": "3", "_reason": "not in the file"})
    assert reasons() == [
        ("corrected", "typing error"),
        ("reverted", "the file is right"),
        ("corrected", "same name"),
        ("undone", "not same"),
        ("deleted", "test account"),
        ("restored", "no test account"),
        ("deleted", "both"),
        ("created", "not in the file"),
    ]


@pytest.mark.parametrize("reason", ["x" * 501, "a\x00b"])
def test_an_edit_with_an_invalid_reason_is_refused(users, admin_client, reason):
    answers = [
        admin_client.post(f"{PAGE}change/", FORM | {"_reason": reason}, follow=True),
        confirm(admin_client, f"{PAGE}delete/", {"post": "yes", "_reason": reason}, follow=True),
        confirm(admin_client, f"{LIST}bulk/", BULK | {"_apply": "x", "expected": "2", "_reason": reason}),
        confirm(admin_client, f"/admin/imports/importrun/{ImportRun.objects.get().pk}/undo/", {"_reason": reason}),
    ]
    for answer in answers:
        assert "Reason: " in answer.text and "Nothing was changed." in answer.text
    assert not Edit.objects.exists() and ImportRun.objects.get().status == "applied"


def test_a_reason_without_a_change_is_refused(users, admin_client):
    same = FORM | {"name": "Ann", "_reason": "checked"}
    assert (
        "No field was changed, so the reason was not saved."
        in admin_client.post(f"{PAGE}change/", same, follow=True).content.decode()
    )
    assert not Edit.objects.exists()


def test_a_form_with_errors_keeps_the_typed_reason(users, admin_client):
    page = admin_client.post(f"{PAGE}change/", FORM | {"signup_date": "never", "_reason": 'a "reason"'}).text
    assert 'name="_reason" value="a &quot;reason&quot;" maxlength="500"' in page


def test_the_history_and_the_edit_show_the_reason(users, admin_client):
    edit = edits.correct(users, {"name": "Anne"}, None, reason="typing error")
    run = ImportRun.objects.get()
    ImportRun.objects.update(reason="first delivery")
    history = plain(admin_client.get(f"{PAGE}history/"))
    assert "Reason: typing error" in history and "Reason: first delivery" in history
    assert "Reason: typing error" in plain(admin_client.get(f"/admin/imports/edit/{edit.pk}/change/"))
    assert "Reason first delivery" in plain(admin_client.get(f"/admin/imports/importrun/{run.pk}/change/"))
    edits.delete(users, None, reason="test account")
    assert "Reason: test account" in plain(admin_client.get(f"{LIST}deleted/"))


def test_addresses_in_reasons_are_hidden_with_the_other_personal_data(users, staff):
    edit = edits.correct(users, {"name": "Anne"}, None, reason="asked ann@example.org")
    client = staff("view_user", "view_edit")
    for address in (f"{PAGE}history/", f"/admin/imports/edit/{edit.pk}/change/"):
        page = client.get(address).text
        assert "asked (hidden)" in page and "ann@example.org" not in page


def test_an_upload_has_a_reason_that_applying_can_replace(previewed, admin_client):
    run = previewed("experiments", users=USERS)
    assert run.reason == ""
    admin_client.post(f"/admin/imports/importrun/{run.pk}/apply/", {"_reason": "x" * 501})
    run.refresh_from_db()
    assert run.status == "previewed"
    ImportRun.objects.update(reason="first delivery")
    admin_client.post(f"/admin/imports/importrun/{run.pk}/apply/", {"_reason": ""})
    run.refresh_from_db()
    assert (run.status, run.reason) == ("waiting", "first delivery")
    ImportRun.objects.update(status="previewed")
    admin_client.post(f"/admin/imports/importrun/{run.pk}/apply/", {"_reason": "checked with Ann"})
    run.refresh_from_db()
    assert (run.status, run.reason) == ("waiting", "checked with Ann")


def test_an_upload_is_sent_with_its_reason(curator, transactional_db):
    upload = SimpleUploadedFile("users.csv", USERS.encode())
    form = {"dataset": "experiments", "files": upload, "encoding": "utf-8", "reason": "first delivery"}
    assert curator.post("/admin/imports/importrun/import/", form).status_code == 302
    assert ImportRun.objects.get().reason == "first delivery"


def test_commands_take_a_reason(write, importing, refused):
    path = write("users.csv", USERS)
    report = importing("experiments", path, "--reason", " first delivery ")
    run = ImportRun.objects.get()
    assert (run.reason, report["reason"]) == ("first delivery", "first delivery")
    with pytest.raises(CommandError, match="--reason: Ensure this value has at most 500 characters"):
        call_command("undo_import", run.pk, reason="x" * 501)
    assert "--reason: Ensure" in refused("experiments", path, "--reason", "x" * 501)
    assert ImportRun.objects.get().status == "applied"
    call_command("undo_import", run.pk, reason="wrong folder", verbosity=0)
    assert reasons() == [("undone", "wrong folder")]


def listed(client, **parameters):
    answer = client.get(EDITS, parameters)
    assert answer.status_code == 200
    return [edit.pk for edit in answer.context["cl"].result_list]


@pytest.mark.both_engines
def test_edits_are_searched_by_reason(users, admin_client):
    first = edits.correct(users, {"name": "Anne"}, None, reason="Typing ÉRROR by the clerk")
    second = edits.correct(users, {"name": "Ann"}, None, reason="asked ann@example.org")
    assert listed(admin_client) == [second.pk, first.pk]
    assert listed(admin_client, q="clerk érror") == [first.pk]
    assert listed(admin_client, q="clerk asked") == []
    assert listed(admin_client, q="ann@example.org") == [second.pk]
    assert "Typing ÉRROR by the clerk" in admin_client.get(EDITS).text


def test_a_search_does_not_reveal_addresses_in_reasons(users, staff):
    edits.correct(users, {"name": "Anne"}, None, reason="asked ann@example.org")
    other = edits.correct(users, {"name": "Ann"}, None, reason="asked Bob")
    client = staff("view_edit")
    assert listed(client, q="asked") == listed(client, q="bob") == [other.pk]
    assert listed(client, q="ann@example.org") == []
    assert "asked (hidden)" in client.get(EDITS).text


@pytest.mark.both_engines
def test_edits_are_filtered_by_dataset_person_day_action_and_run(users, bring, admin_client, admin_user):
    bring("people", places="city,county,country\nKelso,Roxburghshire,Scotland\n")
    correction = edits.correct(users, {"name": "Anne"}, admin_user)
    deletion = edits.delete(Place.objects.all(), None)
    Edit.objects.filter(pk=deletion.pk).update(at=datetime(2024, 2, 29, 12, tzinfo=UTC))
    undo_edit(deletion)
    run = ImportRun.objects.get(dataset="people")
    undo_run(run)
    undo, undone = Edit.objects.order_by("-pk")[:2]
    assert listed(admin_client, dataset="experiments") == [correction.pk]
    assert listed(admin_client, user__id__exact=admin_user.pk) == [correction.pk]
    assert listed(admin_client, action__exact="deleted") == [deletion.pk]
    assert listed(admin_client, at__year=2024, at__month=2, at__day=29) == [deletion.pk]
    assert listed(admin_client, run=run.pk) == [undo.pk]
    assert listed(admin_client, dataset="people", action__exact="undone") == [undo.pk, undone.pk]
    assert f'name="run" value="{run.pk}"' in admin_client.get(EDITS, {"run": run.pk}).text
    for odd in ("x", "0", "01", "9" * 30):
        assert admin_client.get(EDITS, {"run": odd}).status_code == 400


def test_the_list_of_edits_takes_the_same_queries_for_many_edits(users, admin_client, django_assert_max_num_queries):
    for number in range(30):
        edits.correct(users, {"name": f"Ann {number}"}, None, reason="again")
    with django_assert_max_num_queries(16):
        admin_client.get(EDITS, {"q": "again"})
