"""The run page and its counts for users without permission for personal data."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from curation.history import edits
from experiments.models import User
from tests.curation.run_pages import do, page, plain

pytestmark = pytest.mark.only_on("sqlite")


def test_addresses_are_masked_without_the_permission(curator, previewed):
    users = "user_id,name,email,signup_date\n1,Ann,ann@example.com,2024-01-05\n2,Bob,bob@@example.com,2024-01-05\n"
    users += "3,Cid,cid@example.com,never\n4,dora@example.com\n"
    run = previewed("experiments", users=users)
    preview_texts = [page(curator, run, tab) for tab in ("new", "rejected")]
    assert "a****@example.com" in preview_texts[0] and "c****@example.com" in preview_texts[1]
    file = run.files.get()
    sent = curator.get(f"/admin/imports/importrun/file/{file.pk}/rejected/").getvalue().decode()
    for text in (*preview_texts, sent):
        assert not re.search(r"(ann|bob|cid|dora)@", text)
    do(curator, run, "apply")
    changed = previewed("experiments", users=users.replace("Ann,ann@", "Anna,anna@"))
    content = page(curator, changed, "changed")
    assert "name Ann Anna" in content and "email" not in content
    address = f"/admin/imports/importrun/{changed.pk}/change/"
    for hidden in ({"q": "anna@"}, {"q": "a.example"}, {"column": "users.email", "q": "anna@"}):
        assert curator.get(address, {"tab": "changed"} | hidden).context["entries"] == []
    assert User.objects.get().email == "ann@example.com"
    curator.force_login(get_user_model().objects.create_superuser("root"))
    assert "email ann@example.com anna@example.com" in page(curator, changed, "changed")


def test_a_preview_does_not_confirm_a_guessed_address(curator, previewed):
    users = "user_id,name,email,signup_date\n1,Ann,{},2024-01-05\n2,Bob,{},{}\n"
    do(curator, previewed("experiments", users=users.format("ann@a.org", "bob@a.org", "2024-01-05")), "apply")
    edits.correct(User.objects.filter(pk=2), {"email": "rob@a.org"}, None)
    cora = get_user_model().objects.get(username="cora")
    cora.user_permissions.add(Permission.objects.get(codename="view_sourcefile"))

    def preview_texts(*cells) -> list[str]:
        """Return all texts of a preview without its numbers and times."""
        run = previewed("experiments", users=users.format(*cells))
        file = run.files.get()
        shown = [page(curator, run, tab) for tab in ("changed", "kept")]
        files = [f"?q={file.sha256}", f"{file.pk}/change/"]
        shown += [plain(curator.get(f"/admin/imports/sourcefile/{address}")) for address in files]
        shown.append(curator.get(f"/api/imports/{run.pk}/").text)
        do(curator, run, "discard")
        shown = [re.sub(rf'([Rr]un |/|"id":)({run.pk}|{file.pk})\b|{file.sha256}', "#", text) for text in shown]
        return [re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]*Z?|\w+ \d+, 20\d\d, [\d:]+ [ap].m.", "@", text) for text in shown]

    for date in ("2024-01-05", "2024-01-06"):
        right, wrong = preview_texts("ann@a.org", "rob@a.org", date), preview_texts("axx@a.org", "rxx@a.org", date)
        assert right == wrong
    assert "Changed (1)" in right[0] and "Kept (0)" in right[0]
    curator.force_login(get_user_model().objects.create_superuser("root"))
    run = previewed("experiments", users=users.format("axx@a.org", "rxx@a.org", "2024-01-05"))
    assert "Changed (1) New (0) Missing (0) Kept (1)" in page(curator, run)
