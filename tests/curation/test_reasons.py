"""Edits and imports have an optional reason: a text of at most 500 characters."""

import pytest

from curation.history import edits
from curation.history.undo import undo_edit, undo_run
from experiments.models import User
from imports.models import Change, Edit, ImportRun

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"


@pytest.fixture
def users(bring):
    bring("experiments", users=USERS)
    return User.objects.filter(pk=1)


def reasons():
    return list(Edit.objects.order_by("pk").values_list("action", "reason"))


def test_each_function_of_the_history_stores_a_reason(users, admin_user):
    edits.correct(users, {"name": "Anne"}, admin_user, reason="typing error")
    edits.revert(users, "name", admin_user, reason="the file is right")
    edits.delete(users, admin_user, reason="test account")
    edits.restore(Change.objects.filter(is_tombstone=True), User, admin_user, reason="no test account")
    edits.created(User.objects.create(pk=3, name="Cy", signup_date="2023-01-03"), admin_user, reason="not in the file")
    undo_edit(Edit.objects.first(), [User], admin_user, reason="in the file now")
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
