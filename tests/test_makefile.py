"""make run reports a port that is in use before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def taken():
    """A local port on which a program listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize("port", ["taken", "eighty", "80000"])
def test_an_unavailable_port_is_reported_before_the_start(port, taken, tmp_path):
    port = taken if port == "taken" else port
    # Without MAKEFLAGS, make does not print the folders that it enters.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"
    }
    ran = subprocess.run(
        # Skip the installation, and use this Python instead of .venv.
        ["make", "--old-file=install", "run", f"PORT={port}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    first, *rest = ran.stderr.splitlines()
    assert first == f"Port {port} is in use or is not a port number. To use another port, run: make run PORT=8001"
    assert "Traceback" not in ran.stderr and len(rest) == 1  # the message of make itself
    assert not list(tmp_path.iterdir())
