"""Every address of the API, as its description has them, asked in many ways over HTTP: it keeps to what it says."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from datasets.tokens import make_token

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.fixture
def records(transactional_db, settings):
    settings.API_RATES = dict.fromkeys(settings.API_RATES, "")
    call_command("import_sources", verbosity=0)


def test_the_api_keeps_to_its_description(records, live_server, admin_user, tmp_path):
    _, secret = make_token(admin_user, "schemathesis", ["read", "import"])
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", CONFIG, "--no-color"),
            *("run", f"{live_server.url}/api/schema/"),
            *("--header", f"Authorization: Bearer {secret}"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unique failures" not in done.stdout
