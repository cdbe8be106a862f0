"""Example scripts: deploy/etl starts an import over HTTP, deploy/query queries the database."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command

from datasets.tokens import make_token
from imports.models import ImportRun
from people.models import Place

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture
def run(child_environment):
    """Run a script on the test's database, and return its exit code, stdout and stderr."""

    def run(script, *arguments, **environment):
        manage = {"MANAGE": f"{sys.executable} manage.py", "API_TOKEN": "none"}
        done = subprocess.run(
            [DEPLOY / script, *arguments], env=child_environment | manage | environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_each_argument_is_a_read_only_statement(transactional_db, run):
    Place.objects.create(city="Kelso; or not", county="Roxburghshire", country="Scotland")
    code, out, _ = run("query", "SELECT city FROM places;", "SELECT 'a;b' AS it")
    assert (code, out) == (0, "city\nKelso; or not\n\nit\na;b\n\n")
    for statement in ("DELETE FROM places", "SELECT 1; DELETE FROM places", "COMMIT; DELETE FROM places"):
        code, _, result = run("query", statement)
        assert code == 1 and result.startswith("The database refused the statement:")
    assert Place.objects.exists()


def test_the_features_of_users_are_shown(transactional_db, run):
    call_command("import_sources", verbosity=0)
    code, out, _ = run("query", "--limit", "2")
    assert code == 0 and "experiments_per_user" in out and len(out.split("user_id")[1].splitlines()) == 4


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("query", ["--limit"], "query: --limit requires a whole number. See query --help."),
        ("query", ["--limit", "x"], "query: --limit requires a whole number, not x."),
        ("query", [" "], "query: A statement is empty."),
        ("etl", ["--dataset"], "etl: --dataset requires the name of a dataset"),
        ("etl", ["--url"], "etl: --url requires a URL"),
        ("etl", ["--nope"], "etl: Unknown option --nope."),
        ("etl", ["nothing.csv"], "etl: nothing.csv is not a file."),
    ],
)
def test_a_script_reports_an_unknown_answer(run, script, arguments, expected):
    code, out, errors = run(script, *arguments)
    assert (code, out) == (2, "") and errors.startswith(expected) and "line" not in errors


def test_a_site_that_refuses_the_upload_is_reported(live_server, run, admin_user):
    code, _, errors = run("etl", "--url", f"{live_server.url}/wrong")
    assert code == 1 and "/wrong/api/imports/ returned 404, but it is not the API of Tabularium: check --url." in errors
    code, _, errors = run("etl", "--url", live_server.url)
    assert code == 1
    assert errors == "The site did not start the import: Unknown token. Check that you copied the whole token.\n"
    _, secret = make_token(admin_user, "etl", ["read", "import"])
    code, _, errors = run("etl", "--url", live_server.url, "--dataset", "peopl", API_TOKEN=secret)
    assert code == 1 and "Expected one of people, " in errors and "; found peopl." in errors
    assert not ImportRun.objects.exists()


def test_a_script_lets_a_file_lack_columns(live_server, run, admin_user):
    _, secret = make_token(admin_user, "etl", ["read", "import"])
    arguments = ("etl", "--url", live_server.url, "--dataset", "people", "--allow-missing-columns")
    with ThreadPoolExecutor() as pool:
        going = pool.submit(run, *arguments, API_TOKEN=secret)
        while not (import_run := ImportRun.objects.first()) and not going.done():
            time.sleep(0.1)
        ImportRun.objects.update(status=ImportRun.Status.CANCELLED)  # there is no worker
        code, _, errors = going.result()
    assert import_run.allow_missing_columns and code == 1, errors
