"""Free text of runs: users who may not see personal data see no cells of files, in pages, API and downloads."""

import json

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from imports.masking import known_headings, without_cells
from imports.models import ImportRun

pytestmark = pytest.mark.only_on("sqlite")

MAIL = "zoe.quill@hidden.example"
USER = f"7,zoe,{MAIL},31,female,Oslo,2024-01-02\n"
HEADER = "user_id,name,email,age,gender,location,signup_date\n"
SECRETS = (MAIL, "zoe", "quill", "hidden.example", "Oslo")


@pytest.fixture
def texts_for(django_user_model, transactional_db):
    """The texts of the newest run that a member of a group sees, by page and API."""

    def texts_for(group: str) -> dict[str, str]:
        member, _ = django_user_model.objects.get_or_create(username=group, is_staff=True)
        member.groups.set(Group.objects.filter(name=group))
        client, run = Client(), ImportRun.objects.latest("pk")
        client.force_login(member)
        file = run.files.first()
        pages = {
            "page": f"/admin/imports/importrun/{run.pk}/change/?tab=rejected",
            "list": "/admin/imports/importrun/",
            "front page": "/admin/",
            "rejected rows": "/admin/imports/rejectedrow/",
            "api list": "/api/imports/",
            "api run": f"/api/imports/{run.pk}/",
            "api rejections": f"/api/imports/{run.pk}/rejections/",
        }
        if file:
            pages["file"] = f"/admin/imports/sourcefile/{file.pk}/change/"
            pages["file of rejections"] = f"/admin/imports/importrun/file/{file.pk}/rejected/"
            pages["api csv"] = f"/api/imports/{run.pk}/rejections/?format=csv&file={file.pk}"
            pages["api ndjson"] = f"/api/imports/{run.pk}/rejections/?format=ndjson&file={file.pk}"
        answers = {name: client.get(address) for name, address in pages.items()}
        assert {answer.status_code for answer in answers.values()} == {200}, answers
        return {name: (a.getvalue() if a.streaming else a.content).decode() for name, a in answers.items()}

    return texts_for


def attempt(*arguments) -> None:
    try:
        call_command("import_experiments", *map(str, arguments), verbosity=0)
    except CommandError:
        pass


FILES = {
    "no header": ("users.csv", USER * 3),
    "no header, under another table's name": ("compounds.csv", USER * 3),
    "an address as a heading": (
        "users.csv",
        HEADER.replace("location", f"location,{MAIL}") + USER.replace(",Oslo", ",Oslo,zoe"),
    ),
    "a cell as a heading, and a rejected row": (
        "users.csv",
        HEADER.replace("location", "location,zoe") + "x,ann,ann@mail.example,31,female,Rome,zoe quill,2024-01-02\n",
    ),
    "too many cells": ("users.csv", HEADER + USER.replace("Oslo", "Oslo,Oslo")),
    "users in another table": ("compounds.csv", "compound_id,compound_name,compound_structure\n" + USER),
    "a cell with quotes": ("users.csv", f'"x""{MAIL}""y",zoe,quill\n'),
    "two headings for one column": ("users.csv", f"user_id,{MAIL},zoe\n" + USER),
    "a repeated heading in another order": (
        "users.csv",
        HEADER + USER + "name,user_id,email,age,gender,location,signup_date\n",
    ),
    "an encoding": (
        "users.csv",
        (HEADER + USER).encode() + f"8,é,{MAIL},31,female,Oslo,2024-01-02\n".encode("latin-1"),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_no_page_shows_a_cell_to_users_without_the_permission(write, texts_for, name):
    attempt(write(*FILES[name]))
    for door, text in texts_for("Analysts").items():
        assert not [secret for secret in SECRETS if secret in text], (door, text[-3000:])


@pytest.mark.parametrize("name", ["no header", "an address as a heading", "too many cells"])
def test_users_with_the_permission_see_the_values_in_messages(write, texts_for, name):
    attempt(write(*FILES[name]))
    texts = texts_for("Curators")
    assert MAIL in texts["page"] and MAIL in texts["api run"] + texts["api rejections"]


def test_known_headings_lines_and_expected_values_are_shown_to_all_users(write, texts_for):
    attempt(write("users.csv", f"user_id,e_mail,{MAIL}\n"))
    error = json.loads(texts_for("Analysts")["api run"])["error"]
    assert '"user_id"' in error and "line 1" in error and "Expected" in error and "(hidden)" in error


def test_a_search_of_runs_does_not_confirm_a_guess(write, staff):
    attempt(write("users.csv", USER))
    assert "1 import run" not in staff("view_importrun").get(f"/admin/imports/importrun/?q={MAIL}").text
    assert "0 import runs" in staff("view_importrun", "view_user").get(f"/admin/imports/importrun/?q={MAIL}").text


def test_the_log_of_a_worker_has_no_cell(write, client, django_user_model, caplog, capfd, transactional_db):
    client.force_login(django_user_model.objects.create_superuser("root"))
    sent = SimpleUploadedFile("users.csv", (HEADER + USER.replace("31", MAIL)).encode())
    client.post("/admin/imports/importrun/import/", {"dataset": "experiments", "files": [sent], "encoding": "utf-8"})
    caplog.set_level("DEBUG")
    call_command("worker", batch=True)
    assert ImportRun.objects.get().status == "previewed"
    logged = caplog.text + "".join(capfd.readouterr())
    assert MAIL not in logged


def test_metrics_have_no_cell(write, client, transactional_db):
    attempt(write("users.csv", USER))
    assert MAIL not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('found 3 cells: "user_id", "zoe", "".', 'found 3 cells: "user_id", (hidden), "".'),
        (
            "columns ignored: zoe q; expected columns not found: email (did you mean zoe q?).",
            "columns ignored: (hidden); expected columns not found: email.",
        ),
        ('The new term "a"b" is near "c"', "The new term (hidden) is near (hidden)"),
        (
            'The new term "Ab" of x is a near-duplicate of "ab".',
            "The new term (hidden) of x is a near-duplicate of (hidden).",
        ),
        ("Internal error: KeyError: 'zoe'", "Internal error: KeyError."),
        ("Key (email)=(z.q@x.example) is there", "Key (email)=((hidden)) is there"),
        ('each name once, found ""zoe"".', "each name once, found (hidden)."),
        ('found "x" zoe" q" and "y".', "found (hidden)."),
        ('inside a quoted cell ("").', 'inside a quoted cell ("").'),
        ("Nothing was imported.", "Nothing was imported."),
    ],
)
def test_a_text_without_its_cells(text, shown):
    assert without_cells(text, known_headings("experiments"), ["zoe q"]) == shown
