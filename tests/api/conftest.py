"""Fixtures for API imports: accounts with permissions, and a client with a token."""

import json
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

IMPORTS = "/api/imports/"


class Program(Client):
    """A client with methods for imports."""

    def order(self, body=None, **headers):
        """Send a JSON request."""
        return self.post(IMPORTS, json.dumps(body or {}), content_type="application/json", headers=headers)

    def send(self, status=202, **fields) -> dict:
        """Send CSV files in a form, and return the parsed response."""
        files = [SimpleUploadedFile(f"{name}.csv", text.encode()) for name, text in fields.pop("files", {}).items()]
        answer = self.post(IMPORTS, {"dataset": "people", "mode": "apply", "files": files} | fields)
        assert answer.status_code == status, answer.text
        return answer.json()

    def worked(self, run: dict) -> dict:
        """Let a worker run all waiting imports, and return the run."""
        call_command("worker", batch=True)
        return self.get(f"/api/imports/{run['id']}/").json()


@pytest.fixture
def asking(transactional_db) -> Callable[..., Program]:
    """Return a factory of clients with a token of an account with given permissions."""
    from django.contrib.auth.models import Permission

    from datasets.tokens import make_token

    def asking(*permissions: str, name: str = "etl") -> Program:
        user = get_user_model().objects.create_user(name)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        _, secret = make_token(user, "nightly", ["read", "import"])
        return Program(headers={"authorization": f"Bearer {secret}"})

    return asking


@pytest.fixture
def etl(asking) -> Program:
    """A client with all permissions for imports."""
    return asking("add_importrun", "view_importrun", "undo_importrun", "view_rejectedrow")


@pytest.fixture
def sources(settings, tmp_path) -> Callable[..., None]:
    """Set the site's own files of the dataset people."""

    def sources(**files: str) -> None:
        settings.SOURCES_DIR = tmp_path / "sources"
        (settings.SOURCES_DIR / "people").mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (settings.SOURCES_DIR / "people" / f"{name}.csv").write_text(text)

    return sources
