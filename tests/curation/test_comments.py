"""Records and runs take comments, which change no data."""

import pytest

from curation.history import edits
from curation.history.undo import undo_run
from curation.models import Comment
from experiments.models import User
from imports.models import Edit, ImportRun
from tests.curation.run_pages import plain

pytestmark = pytest.mark.only_on("sqlite")

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
RECORD, LIST, EDITS = "/admin/experiments/user/1/", "/admin/curation/comment/", "/admin/imports/edit/"


@pytest.fixture
def users(bring):
    bring("experiments", users=USERS)
    return User.objects.filter(pk=1)


def run_page(action="change"):
    return f"/admin/imports/importrun/{ImportRun.objects.latest('pk').pk}/{action}/"


def found(client, address, **parameters):
    answer = client.get(address, parameters)
    assert answer.status_code == 200
    return [each.pk for each in answer.context["cl"].result_list]


def test_a_record_has_comments_and_changes_nothing(users, admin_client, admin_user):
    before = list(User.objects.values())
    answer = admin_client.post(f"{RECORD}comment/", {"text": " Line one\r\nLine two "}, follow=True)
    assert "Comment added." in answer.text and "Line one\nLine two" in answer.text
    comment = Comment.objects.get()
    assert (comment.dataset, comment.table, comment.record, comment.user) == ("experiments", "users", "1", admin_user)
    assert list(User.objects.values()) == before and not Edit.objects.exists()
    assert "Line one" not in admin_client.get("/admin/experiments/user/2/history/").text


def test_a_deleted_record_keeps_its_comments_and_accepts_new_ones(users, admin_client):
    admin_client.post(f"{RECORD}comment/", {"text": "first"})
    edits.delete(users, None)
    page = admin_client.post(f"{RECORD}comment/", {"text": "second"}, follow=True).text
    assert page.index("second") < page.index("first")


def test_a_run_has_comments(users, admin_client):
    page = plain(admin_client.post(run_page("comment"), {"text": "two rows are late"}, follow=True))
    assert "two rows are late" in page and Comment.objects.get().run == ImportRun.objects.get()


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x00b"])
def test_an_invalid_comment_is_refused(users, admin_client, text):
    for address in (f"{RECORD}comment/", run_page("comment")):
        assert "The comment was not added: " in admin_client.post(address, {"text": text}, follow=True).text
    assert not Comment.objects.exists()


def test_a_comment_needs_a_record_or_a_run(users, admin_client):
    for address in ("/admin/experiments/user/9/comment/", "/admin/imports/importrun/999/comment/"):
        assert admin_client.post(address, {"text": "x"}).status_code == 404
    for address in (f"{RECORD}comment/", run_page("comment")):
        assert admin_client.get(address).status_code == 405


@pytest.mark.parametrize(
    ("permissions", "on_record", "on_run"),
    [
        (["view_user", "view_importrun", "view_comment"], 403, 403),
        (["change_user"], 302, 403),
        (["view_importrun", "add_comment"], 403, 302),
        (["add_comment"], 403, 403),
    ],
)
def test_comments_need_the_permission_to_change_the_record_or_to_comment_on_runs(
    users, staff, permissions, on_record, on_run
):
    client = staff(*permissions)
    assert client.post(f"{RECORD}comment/", {"text": "x"}).status_code == on_record
    assert client.post(run_page("comment"), {"text": "x"}).status_code == on_run
    if "view_user" in permissions:
        assert "Add a comment" not in client.get(f"{RECORD}history/").text


@pytest.mark.both_engines
def test_comments_are_listed_searched_and_filtered(users, admin_client, admin_user):
    admin_client.post(f"{RECORD}comment/", {"text": "Ünclear scan"})
    admin_client.post(run_page("comment"), {"text": "two rows are late"})
    on_run, on_record = Comment.objects.all()
    assert found(admin_client, LIST) == [on_run.pk, on_record.pk]
    assert found(admin_client, LIST, q="ünclear") == [on_record.pk]
    assert found(admin_client, LIST, user__id__exact=admin_user.pk, dataset="people") == []
    assert found(admin_client, LIST, table="users", record="1") == [on_record.pk]
    assert found(admin_client, LIST, run_id=on_run.run_id) == [on_run.pk]
    page = admin_client.get(LIST).text
    assert (
        f'<a href="{RECORD}history/">user 1</a>' in page and f'<a href="{run_page()}">run {on_run.run_id}</a>' in page
    )
    assert admin_client.get(f"{LIST}{on_record.pk}/change/")["Location"] == f"{RECORD}history/"
    assert admin_client.get(f"{LIST}{on_run.pk}/change/")["Location"] == run_page()


def test_only_comments_on_visible_records_and_runs_are_listed(users, admin_client, staff):
    Comment.objects.create(dataset="experiments", table="users", record="1", text="ask ann@example.org")
    Comment.objects.create(dataset="experiments", run=ImportRun.objects.get(), text="late")
    assert found(staff("view_comment"), LIST) == []
    client = staff("view_comment", "view_user")
    assert len(found(client, LIST)) == 1
    assert "ask (hidden)" in client.get(LIST).text and "ask (hidden)" in client.get(f"{RECORD}history/").text
    assert found(client, LIST, q="ask") == []
    assert staff().get(LIST).status_code == 403


def test_edits_and_runs_are_found_by_comments(users, admin_client, bring):
    edit = edits.correct(users, {"name": "Anne"}, None, reason="typing error")
    edits.correct(User.objects.filter(pk=2), {"name": "Rob"}, None)
    admin_client.post(f"{RECORD}comment/", {"text": "See the scan"})
    assert found(admin_client, EDITS, q="scan typing") == [edit.pk]
    bring("people", places="city,county,country\nKelso,Roxburghshire,Scotland\n")
    admin_client.post(run_page("comment"), {"text": "wrong folder"})
    run = ImportRun.objects.latest("pk")
    undo_run(run)
    assert found(admin_client, EDITS, q="folder") == [Edit.objects.latest("pk").pk]
    assert found(admin_client, "/admin/imports/importrun/", q="folder") == [run.pk]


def test_a_page_shows_the_newest_comments(users, admin_client, django_assert_max_num_queries):
    for number in range(30):
        Comment.objects.create(dataset="experiments", table="users", record="1", text=f"comment no. {number}.")
    with django_assert_max_num_queries(16):
        page = admin_client.get(f"{RECORD}history/").text
    assert "no. 29." in page and "no. 10." in page and "no. 9." not in page
    assert f'href="{LIST}?table=users&amp;record=1"' in page
