"""Schemathesis tests every operation of the OpenAPI description over HTTP.

``make test-api EXAMPLES=4`` tries as many examples of each operation.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.servers.basehttp import WSGIRequestHandler

from datasets.tokens import make_token

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("EXAMPLES", "4")
# Each parameter at its limits and beyond them, and each unsupported method: of imports, and of a small table.
SOME = "^/api/(imports/|people/births-by-country/)"


@pytest.fixture
def records(transactional_db):
    call_command("import_sources", verbosity=0)


@pytest.mark.parametrize(
    ("options", "operations"),
    [
        (["--phases", "fuzzing", "--max-examples", EXAMPLES], 50),
        (["--phases", "coverage", "--include-path-regex", SOME], 10),
    ],
    ids=["every address", "every parameter"],
)
def test_the_api_matches_its_description(options, operations, records, live_server, admin_user, tmp_path, monkeypatch):
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)  # avoid a delay of 40 ms per response
    _, secret = make_token(admin_user, "schemathesis", ["read", "import"])
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG),
            *("run", f"{live_server.url}/api/schema/", "--header", f"Authorization: Bearer {secret}", *options),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"Tested: +(\d+)", done.stdout)[1]) >= operations
    assert re.search(r"(\d+) generated, \1 passed", done.stdout), done.stdout
