"""Commands escape control characters of files, terms and arguments."""

import contextlib
import json
import os
import re
import subprocess
import sys

import pytest
from django.core.management import execute_from_command_line

from tests.import_fixtures import ROOT

pytestmark = pytest.mark.only_on("sqlite")

ESC, RAW = "\x1b[31m", re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")
ODD = f"a{ESC}\x7f\x9b\u202eb"
CENSUS = "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
CENSUS += "capital-gain,capital-loss,hours-per-week,native-country,income"


@pytest.fixture
def run_command(transactional_db, capsys, monkeypatch, tmp_path):
    """Run a command, and return its output of both streams, which must be safe for a terminal."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments) -> str:
        with contextlib.suppress(SystemExit):
            execute_from_command_line(["manage.py", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert not RAW.search(out + err), repr(out + err)
        return out + err

    return run_command


def test_terms_headings_file_names_and_missing_records_are_printed_escaped(write, run_command):
    row = f"39,{ODD},77516,Bachelors,13,Divorced,Sales,Wife,White,Male,0,0,40,Peru,<=50K"
    output = run_command("import_census", write(f"adult{ESC}.csv", f"{CENSUS},no{ESC}te\n{row},x\n"))
    assert r"new terms in workclasses: a\x1b[31m\x7f\x9b\u202eb" in output and r"adult\x1b[31m.csv" in output
    assert r"no\x1b[31mte" in output
    run_command("import_people", write(f"x/places{ESC}.csv", f"city,county,country\nA{ESC},b,c\nB{ESC},b,c\n"))
    output = run_command("import_people", write(f"x/places{ESC}.csv", f"city,county,country\nB{ESC},b,c\n"))
    assert r"places A\x1b[31m, last seen in places\x1b[31m.csv on line 2" in output
    assert "[31m" in run_command("import_people", write("y/places.csv", f"city,x{ESC}\nA,\n"))


def test_a_report_on_a_terminal_is_json_without_control_characters(write, run_command):
    output = run_command(
        "import_people", write("places.csv", f"city,county,country\nA,{ODD},c,d\n"), "--report", "-", "-v", "0"
    )
    (rejection,) = json.loads(output)["rejections"]
    assert rejection["values"] == f"A,{ODD},c,d"


@pytest.mark.parametrize(
    "arguments",
    [
        ["import_people", f"no{ODD}where.csv"],
        ["import_people", "--report", f"x/{ODD}"],
        ["import_people", f"--{ODD}"],
        ["export", f"people/{ODD}", "-o", "x.csv"],
        ["export", "people/people", "--filter", ODD, "-o", "x.csv"],
        ["export", "people/people", "--as-user", ODD, "-o", "x.csv"],
        ["refresh_views", ODD],
        ["undo_import", ODD],
        ["api_token", ODD, "--name", ODD],
    ],
    ids=lambda arguments: " ".join(arguments).encode("ascii", "ignore").decode()[:30],
)
def test_arguments_are_printed_escaped(arguments, run_command):
    assert r"\x1b" in run_command(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "people/people", "--search", "\udcff", "-o", "x.csv"],
        ["export", "people/people", "--filter", "given_name=\udcff", "-o", "x.csv"],
        ["import_people", "--as", "\udcff.csv", "."],
        ["api_token", "\udcff", "--name", "x"],
    ],
    ids=["--search", "--filter", "--as", "an account"],
)
def test_an_argument_that_is_not_utf_8_is_refused_in_a_sentence(arguments, run_command):
    assert r"An argument is not valid UTF-8: " in (output := run_command(*arguments)) and r"\xff" in output


def test_an_export_to_a_terminal_is_escaped_and_to_a_pipe_exact(importing, write, child_environment):
    importing("people", write("places.csv", f"city,county,country\nÅ{ESC},b,c\n"))
    command = [sys.executable, str(ROOT / "manage.py"), "export", "people/places", "--columns", "city", "-o", "-"]
    assert subprocess.run(command, env=child_environment, capture_output=True, check=True).stdout == (
        f"city\nÅ{ESC}\n".encode()
    )
    screen, of_command = os.openpty()
    subprocess.run(command, env=child_environment, stdout=of_command, check=True)
    os.close(of_command)
    assert os.read(screen, 10_000).decode() == "city\r\nÅ\\x1b[31m\r\n"
    os.close(screen)
