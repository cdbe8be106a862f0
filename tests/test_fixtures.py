"""The sample sources: the generator reproduces the committed files, and its options for larger files work."""

import json
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent / "fixtures_src"
FOLDERS = ["people", "census", "experiments", "subjects"]
SHARES = ["--change-share", "0.1", "--new-share", "0.05", "--missing-share", "0.2"]


def generate(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, SAMPLES / "generate.py", *arguments]
    command = [str(each) for each in command]
    return subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")


@cache
def generator() -> Callable[[list[str]], None]:
    """Return the generator's main function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SAMPLES)
        return runpy.run_path(str(SAMPLES / "generate.py"))["main"]


def made(folder: Path, name: str, *arguments: object) -> list[str]:
    """Return the lines of a generated file."""
    generator()([str(each) for each in ("--output", folder, *arguments)])
    return (folder / name).read_bytes().decode().split("\n")


def census(folder: Path, *arguments: object) -> list[str]:
    return made(folder, "adult.data", "--only", "census", *arguments)[:-1]


def files(root: Path) -> dict[str, bytes]:
    """Return every file of the four folders by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def test_the_generator_reproduces_the_committed_files(tmp_path):
    assert generate("--output", tmp_path).returncode == 0
    fresh, committed = files(tmp_path), files(SAMPLES)
    assert sorted(fresh) == sorted(committed)
    assert [name for name in fresh if fresh[name] != committed[name]] == []


def test_the_samples_are_small_enough_to_commit():
    assert sum(map(len, files(SAMPLES).values())) < 1_500_000


@pytest.mark.parametrize(
    "name, good, planted, above",
    [
        ("people/places.csv", 110, 3, 1),
        ("people/people.csv", 10_000, 6, 1),
        ("census/adult.data", 4_000, 6, 0),
        ("census/adult.test", 1_000, 2, 1),
        ("experiments/users.csv", 200, 5, 2),
        ("experiments/compounds.csv", 50, 2, 1),
        ("experiments/user_experiments.csv", 2_000, 8, 1),
    ],
)
def test_planted_rows_are_additional(name, good, planted, above):
    text = (SAMPLES / name).read_text(encoding="utf-8")
    assert len(text.removesuffix("\n").split("\n")) == above + good + planted


def test_the_readme_lists_every_planted_row():
    table = generate("--planted").stdout
    assert table.count("\n") == 2 + 32 + 2
    assert (SAMPLES / "README.md").read_text(encoding="utf-8").endswith(table)


@pytest.mark.parametrize(
    "name, line, row",
    [
        ("people/people.csv", 118, "Agnes,Kirkstead,1931-02-30,Hollinby"),
        ("people/places.csv", 97, "Nowhere-on-Sea"),
        ("experiments/users.csv", 23, "901,\tRosa Gorse,\trosa.gorse.example.org,\t2022-05-17"),
        ("experiments/user_experiments.csv", 77, "9001,\t5,\t3;777;12,\t40"),
    ],
)
def test_a_planted_row_is_at_its_line(name, line, row):
    assert (SAMPLES / name).read_text(encoding="utf-8").split("\n")[line - 1] == row


def test_a_planted_duplicate_equals_its_first_row_and_a_contradiction_differs():
    lines = (SAMPLES / "experiments/users.csv").read_text(encoding="utf-8").split("\n")
    assert lines[101 - 1] == lines[45 - 1]
    assert lines[133 - 1].split(",\t")[0] == lines[17 - 1].split(",\t")[0]
    assert lines[133 - 1] != lines[17 - 1]


def test_the_experiments_files_have_their_oddities():
    users = (SAMPLES / "experiments/users.csv").read_bytes()
    assert users.startswith(b"\nuser_id,\tname,\temail,\tsignup_date\n1,\t")
    assert not users.endswith(b"\n")


def test_subjects_have_four_schema_generations_and_repeated_sessions():
    shapes, seen = Counter(), {}
    for path in sorted((SAMPLES / "subjects").glob("*/subject.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            shapes["not JSON"] += 1
            continue
        shapes["wrapped"] += "schema_version" not in content
        content = content.get("data") or content.get("subject") or content
        if "subject_id" not in content:
            shapes["empty"] += 1
            continue
        details = content.get("subject_details", content)
        species = details.get("species")
        if details is not content:
            shapes[details["object_type"]] += 1
        elif isinstance(species, str):
            shapes["species is text"] += 1
        else:
            shapes[f"species name is {'an object' if isinstance(species['name'], dict) else 'text'}"] += 1
        result = (details.get("sex"), details.get("date_of_birth"), details.get("genotype"))
        seen.setdefault(content["subject_id"], []).append(result)
    several = [result for result in seen.values() if len(result) > 1]
    assert shapes == {
        "species is text": 14,
        "species name is an object": 14,
        "species name is text": 14,
        "Mouse subject": 14,
        "Human subject": 1,
        "Calibration object": 1,
        "not JSON": 1,
        "empty": 1,
        "wrapped": 3,  # including the response without a subject
    }
    assert (len(several), sum(len(set(result)) > 1 for result in several)) == (5, 3)


def test_income_rises_with_education_hours_and_age(tmp_path):
    rows = [line.split(",") for line in census(tmp_path, "--rows", 40_000)]

    def shares(column: int, *bounds: int) -> list[float]:
        """Return the share over 50K of the rows from each bound up to the next."""
        groups = [[row[14] for row in rows if low <= int(row[column]) < high] for low, high in pairwise(bounds)]
        return [group.count(">50K") / len(group) for group in groups]

    for by in (shares(4, 1, 9, 11, 13, 14, 15, 17), shares(12, 1, 35, 41, 51, 100), shares(0, 17, 25, 35, 45)):
        assert by == sorted(by)
        assert by[-1] > 2 * by[0]
    assert 0.20 < sum(row[14] == ">50K" for row in rows) / len(rows) < 0.28


def test_a_census_file_has_the_requested_number_of_valid_rows(tmp_path):
    rows = [line.split(",") for line in census(tmp_path, "--rows", 60_001)]
    assert len(rows) == 60_001
    assert {len(row) for row in rows} == {15}
    assert len({(row[3], row[4]) for row in rows}) == 16
    assert len({row[2] for row in rows}) > 20_000
    assert 17 <= min(int(row[0]) for row in rows) < max(int(row[0]) for row in rows) == 90
    assert all((row[6] == "?") == (row[1] in ("?", "Never-worked")) for row in rows)


def test_a_seed_determines_the_file(tmp_path):
    first = census(tmp_path / "a", "--rows", 3000)
    assert census(tmp_path / "b", "--rows", 3000) == first
    assert census(tmp_path / "c", "--rows", 4000)[:3000] == first
    assert census(tmp_path / "d", "--rows", 3000, "--seed", 7) != first


def test_spelling_of_a_census_file(tmp_path):
    plain = census(tmp_path, "--rows", 100)
    spaced = census(tmp_path, "--rows", 100, "--spaced")
    assert [line.replace(", ", ",") for line in spaced] == plain != spaced
    headed = made(tmp_path, "adult.csv", "--only", "census", "--rows", 100, "--header")
    assert headed[0].startswith("age,workclass,fnlwgt,education,education-num,")
    assert headed[1:-1] == plain


def test_people_are_born_in_known_places(tmp_path):
    people = made(tmp_path, "people.csv", "--only", "people", "--rows", 5000)[1:-1]
    places = (tmp_path / "places.csv").read_text(encoding="utf-8").split("\n")[1:-1]
    assert (len(people), len(places)) == (5000, 110)
    assert {row.split(",")[3] for row in people} <= {row.split(",")[0] for row in places}
    assert len({row.split(",")[2] for row in places}) == 3


@pytest.mark.parametrize("only, name", [("census", "adult.data"), ("people", "people.csv")])
def test_a_variation_has_exactly_the_requested_shares(tmp_path, only, name):
    plain = Counter(made(tmp_path, name, "--only", only, "--rows", 12_000))
    varied = Counter(made(tmp_path, name, "--only", only, "--rows", 12_000, *SHARES))
    # A changed row is one that is missing and one that is new: only the content identifies a row.
    assert (varied - plain).total() == 1_200 + 600
    assert (plain - varied).total() == 1_200 + 2_400


def test_a_variation_of_users_keeps_their_ids(tmp_path):
    def users(*arguments: str) -> dict[str, str]:
        lines = made(tmp_path, "users.csv", "--only", "users", "--rows", 20_000, *arguments)
        assert lines[:2] == ["", "user_id,\tname,\temail,\tsignup_date"]
        return {line.split(",\t")[0]: line for line in lines[2:]}

    plain, varied = users(), users(*SHARES)
    assert len(varied.keys() - plain.keys()) == 1_000
    assert len(plain.keys() - varied.keys()) == 4_000
    assert sum(plain[key] != varied[key] for key in plain.keys() & varied.keys()) == 2_000


def test_a_bad_share_makes_exactly_that_number_of_rows_invalid(tmp_path):
    plain = census(tmp_path, "--rows", 20_000)
    spoilt = census(tmp_path, "--rows", 20_000, "--bad-share", "0.01")
    differing = [line for line, before in zip(spoilt, plain, strict=True) if line != before]
    assert len(differing) == 200
    assert {len(line.split(",")) for line in differing} == {14, 15, 16}


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--rows", "100"], "needs --only"),
        (["--only", "census"], "also needs --rows and --output"),
        (["--only", "census", "--rows", "many"], "expected a whole number of 1 or more, such as 1000000; found 'many'"),
        (["--only", "users", "--rows", "9", "--missing-share", "1.5"], "expected a share from 0 to 1"),
        (["--only", "users", "--rows", "9", "--output", "x", "--header"], "for --only census"),
        (
            ["--only", "users", "--rows", "9", "--output", "x", "--missing-share", "0.6", "--change-share", "0.6"],
            "more than all rows",
        ),
    ],
)
def test_an_invalid_argument_is_reported_with_a_message(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        generator()(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_python_without_the_packages_prints_the_command_to_type():
    command = [sys.executable, "-S", str(SAMPLES / "generate.py"), "--planted"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "is not installed here. Type: make install, then .venv/bin/python fixtures_src/generate.py"
    )
