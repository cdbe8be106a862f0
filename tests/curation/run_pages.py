"""Read the page of a run as text, and press its buttons."""

import re

from django.core.management import call_command


def page(client, run, tab=None, number=None) -> str:
    answer = client.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": tab or "", "page": number or ""})
    return plain(answer)


def plain(answer, status=200) -> str:
    """Return the text of a page without its tags."""
    assert answer.status_code == status
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def do(client, run, verb, status=302):
    answer = client.post(f"/admin/imports/importrun/{run.pk}/{verb}/")
    assert answer.status_code == status
    call_command("worker", batch=True)
    run.refresh_from_db()
    return run
