"""Preparing a database: by one process at a time, once, and with a sign-in link for the first account."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from imports.management.commands.prepare import alone
from imports.models import ImportRun
from tests.conftest import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_engines]  # either engine locks in its way


def test_several_processes_that_start_together_import_the_sources_once(child_environment):
    command = [sys.executable, "manage.py", "prepare", "--import-sources", "--site", "https://data.example.org"]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=child_environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(text.count(" applied in ") for text in outputs) == [0, 0, 4]
    assert ImportRun.objects.count() == 4
    assert get_user_model().objects.count() == 1
    assert all("https://data.example.org/admin/welcome/" in text for text in outputs)


def test_who_comes_second_waits(child_environment):
    with alone():
        second = subprocess.Popen([sys.executable, "manage.py", "prepare"], cwd=ROOT, env=child_environment)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=4)
    assert second.wait() == 0


def test_an_unavailable_database_is_reported_with_a_message(child_environment, tmp_path):
    url = "postgresql://nobody@127.0.0.1:1/nothing" if connection.vendor == "postgresql" else f"sqlite:///{tmp_path}"
    command = [sys.executable, "manage.py", "prepare", "--wait", "0"]
    ran = subprocess.run(
        command, cwd=ROOT, env=child_environment | {"DATABASE_URL": url}, capture_output=True, text=True
    )
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert ran.stderr.startswith("CommandError: The database is not available: ")


def test_a_database_with_outdated_migrations_is_reported_with_a_message(child_environment):
    recorder = MigrationRecorder(connection)
    recorder.record_applied("datasets", "0002_history")
    try:
        command = [sys.executable, "manage.py", "prepare"]
        ran = subprocess.run(command, cwd=ROOT, env=child_environment, capture_output=True, text=True)
    finally:
        recorder.record_unapplied("datasets", "0002_history")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "CommandError: A version before 0.1.0 created this database, and this version cannot migrate it. "
        "Export the data with the old version, and set DATABASE_URL to an empty database.\n"
    )


def test_the_first_account_chooses_its_password_by_a_link_that_works_once(client, capsys):
    call_command("first_sign_in", site="https://data.example.org")
    account = get_user_model().objects.get()
    assert account.is_superuser and not account.has_usable_password()
    link = urlsplit(re.search(r"https://data\.example\.org/\S+", capsys.readouterr().out)[0]).path

    form = client.get(link, follow=True)
    password = "kelp-otter-4711"
    page = client.post(form.request["PATH_INFO"], {"new_password1": password, "new_password2": password}, follow=True)
    assert page.request["PATH_INFO"] == "/admin/" and page.wsgi_request.user == account
    account.refresh_from_db()
    assert account.check_password(password)

    client.logout()
    assert "new_password1" not in client.get(link, follow=True).content.decode()
    call_command("first_sign_in")
    assert capsys.readouterr().out == ""


def test_a_password_that_is_too_simple_is_refused(client, capsys):
    call_command("first_sign_in", username="keeper")
    link = urlsplit(re.search(r"http://localhost:8000/\S+", capsys.readouterr().out)[0]).path
    form = client.get(link, follow=True)
    page = client.post(form.request["PATH_INFO"], {"new_password1": "password", "new_password2": "password"})
    assert "too common" in page.content.decode()
    assert not get_user_model().objects.get(username="keeper").has_usable_password()


def test_no_link_is_printed_if_accounts_exist(capsys):
    users = get_user_model().objects
    users.create_user("curator", password="kelp-otter-4711")
    call_command("first_sign_in")
    users.create_user("second")
    call_command("first_sign_in")
    assert capsys.readouterr().out == "" and users.count() == 2


def test_a_site_without_an_address_is_refused():
    with pytest.raises(CommandError, match="expected a URL, such as"):
        call_command("first_sign_in", site="https://")


def test_with_nothing_to_do_only_the_address_is_printed(capsys, settings):
    settings.DEBUG = True
    result = []
    for _ in range(2):
        call_command("prepare", demo_curator=True)
        result.append(capsys.readouterr().out)
    assert result[0] == result[1] and len(result[0].splitlines()) == 1
    if connection.vendor == "sqlite":
        Path(connection.settings_dict["NAME"]).with_name("demo_curator.txt").unlink()
        assert result[0].startswith("Sign in at /admin/ as curator, password ")
    else:
        assert result[0].startswith("The demo account needs SQLite.")
    call_command("prepare", verbosity=2)
    assert "No migrations to apply." in capsys.readouterr().out
