"""Fixtures: files to import, import commands, and the resulting tables."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Q

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write text or bytes to a file in the test's folder and return its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def importing(transactional_db) -> Callable[..., dict]:
    """Run an import command, which must succeed; return its report."""
    from tests.import_helpers import imported

    def importing(dataset: str, *arguments) -> dict:
        return imported(f"import_{dataset}", *arguments)

    return importing


@pytest.fixture
def bring(write, importing) -> Callable[..., Path]:
    """Import tables given as texts by file name, and return the folder of the files."""

    def bring(dataset: str, **tables: str) -> Path:
        for name, text in tables.items():
            folder = write(f"all/{name}.csv", text).parent
        importing(dataset, folder)
        return folder

    return bring


@pytest.fixture
def staff(client, django_user_model) -> Callable:
    """Log in a user with the named permissions and return the client."""
    from django.contrib.auth.models import Permission

    def staff(*codenames: str):
        member = django_user_model.objects.create_user("-".join(codenames) or "nobody", is_staff=True)
        member.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(member)
        return client

    return staff


@pytest.fixture
def refused(transactional_db) -> Callable[..., str]:
    """Run an import command that must fail, and return its error message."""

    def refused(dataset: str, *arguments) -> str:
        with pytest.raises(CommandError) as caught:
            call_command(f"import_{dataset}", *map(str, arguments), verbosity=0)
        assert caught.value.returncode == 1
        return str(caught.value)

    return refused


@pytest.fixture
def rows(db) -> Callable[..., list[tuple]]:
    """Query the database and return the rows as tuples."""

    def rows(sql: str, *values) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return [tuple(row) for row in cursor.fetchall()]

    return rows


@pytest.fixture
def execute(db) -> Callable[..., None]:
    """Execute a statement that no command executes."""

    def execute(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    return execute


@pytest.fixture
def whole(rows) -> Callable[[str], list[tuple]]:
    """Return all rows of a table; on PostgreSQL with ctid and xmin, which any write changes."""

    def whole(table: str) -> list[tuple]:
        if connection.vendor == "postgresql":
            return sorted(rows(f"SELECT ctid::text, xmin::text, t::text FROM {table} t"))
        return sorted(rows(f"SELECT rowid, * FROM {table}"), key=repr)

    return whole


@pytest.fixture
def manage(child_environment) -> Callable[..., subprocess.Popen]:
    """Start manage.py as a process on this test's database; it ends with the test."""
    started = []

    def manage(*arguments, **environment) -> subprocess.Popen:
        command = [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)]
        process = subprocess.Popen(
            command,
            env=child_environment | {"PYTHONUNBUFFERED": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield manage
    for process in started:
        if process.poll() is None:
            os.kill(process.pid, 9)
        process.communicate()


@pytest.fixture
def curator(client, db):
    """A client of a curator, who sees everything except e-mail addresses."""
    from django.contrib.auth.models import Permission

    from datasets.registry import dataset_apps

    user = get_user_model().objects.create_user("cora", is_staff=True)
    names = ["add_importrun", "view_importrun", "undo_importrun", "view_rejectedrow"]
    records = Q(codename__startswith="view_", content_type__app_label__in=dataset_apps()) & ~Q(codename="view_email")
    user.user_permissions.set(Permission.objects.filter(Q(codename__in=names) | records))
    client.force_login(user)
    return client


@pytest.fixture
def previewed(curator, transactional_db):
    """Upload and preview files, and return the run."""
    from imports.models import ImportRun

    def previewed(dataset="people", **files):
        uploads = [SimpleUploadedFile(f"{name}.csv", text.encode()) for name, text in files.items()]
        answer = curator.post(
            "/admin/imports/importrun/import/", {"dataset": dataset, "files": uploads, "encoding": "utf-8"}
        )
        assert answer.status_code == 302, answer.content.decode()
        call_command("worker", batch=True)
        return ImportRun.objects.latest("pk")

    return previewed
