"""PostgreSQL's log with the documented settings has no statements, parameters or rows."""

import re
import shlex
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
import yaml

from tests.embedded_postgresql import get_server

ROOT = Path(__file__).resolve().parent.parent
COMMAND = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["db"]["command"]
LOGGED = [part for part in shlex.split(COMMAND) if part.startswith("log_")]
ALTERED = r"ALTER ROLE [^ ]+ SET (log_\w+) = '?([\w-]+)'?;"
MAIL = "zoe@hidden.example"


@pytest.mark.parametrize("path", ["docs/operators.md", "deploy/database/init.sh"])
def test_the_documented_settings_equal_those_of_the_stack(path):
    assert {f"{name}={value}" for name, value in re.findall(ALTERED, (ROOT / path).read_text())} == {*LOGGED}


@pytest.fixture
def server():
    """A server with the stack's log settings: its address and its log."""
    folder = Path(tempfile.mkdtemp(prefix="tabularium-log-"))  # the server runs as another account
    own = get_server(folder / "data", cleanup_mode="delete")
    try:
        with psycopg.connect(own.get_uri(), autocommit=True) as connection:
            for setting in LOGGED:
                name, _, value = setting.partition("=")
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
        yield own, lambda: "".join(path.read_text() for path in (folder / "data").glob("**/*log") if path.is_file())
    finally:
        own.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_an_error_writes_no_data_to_the_log(server):
    own, log = server
    with psycopg.connect(own.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE TABLE users (email text UNIQUE, age int)")
        connection.execute("INSERT INTO users VALUES (%s)", [MAIL])
        statements = [
            ("INSERT INTO users VALUES (%s)", [MAIL]),
            (f"INSERT INTO users VALUES ('{MAIL}')", []),
            (f"SELECT no_such_column FROM users WHERE email = '{MAIL}'", []),
        ]
        for statement, values in statements:
            with pytest.raises(psycopg.Error):
                connection.execute(statement, values)
        with pytest.raises(psycopg.Error), connection.cursor().copy("COPY users FROM STDIN") as copy:
            copy.write(f"{MAIL}\t1\n")
    written = log()
    assert "duplicate key value violates unique constraint" in written and MAIL not in written
