"""The notebook of the six insights runs on any respondents; the committed one has the results of UCI's files."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from census.insights import QUESTIONS, answers, unanswered
from census.insights.files import are_of_uci
from census.models import Respondent
from tests.import_helpers import SAMPLES, imported
from tests.insights import NotebookError, ran_through, replaced
from tests.notebooks import texts

CENSUS = Path(__file__).resolve().parents[2] / "census"
NOTEBOOK, ANSWERS = CENSUS / "insights.ipynb", CENSUS / "insights.json"
WIVES, SEXES, GAINS, WEIGHTS, GAPS, STATE = QUESTIONS
SOUND = ("execute_result", "display_data")


@pytest.fixture
def make(child_environment, tmp_path):
    """A function that runs ``make notebook`` on the test database and writes the files to *tmp_path*."""
    own = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    # Without MAKEFLAGS, make does not print folders; without PYTHONPATH, the notebook can import pandas.
    left_out = ("MAKE", "MFLAGS", "PYTHONPATH")
    environment = {name: value for name, value in child_environment.items() if not name.startswith(left_out)}

    def made():
        # Skip the installation, and use this Python instead of .venv.
        command = ["make", "--old-file=dev", "notebook", f"PYTHON={sys.executable}", f"ARGS=--folder {tmp_path}"]
        return subprocess.run(command, cwd=CENSUS.parent, env=environment | own, capture_output=True, text=True)

    return made


def written(folder):
    """Return the notebook and the answers in a folder."""
    return nbformat.read(folder / "insights.ipynb", as_version=4), json.loads(
        (folder / "insights.json").read_text("utf-8")
    )


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def pictures(notebook):
    return [base64.b64decode(o.data["image/png"]) for o in outputs(notebook) if "image/png" in o.get("data", {})]


def committed():
    return written(CENSUS)


def test_the_notebook_runs_on_the_sample_without_replacing_the_committed_one(make, tmp_path):
    imported("import_census", SAMPLES / "census")
    before = NOTEBOOK.read_bytes(), ANSWERS.read_bytes()
    ran = make()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(
        "var/insights.ipynb and insights.json were written from the 5,000 imported respondents. These are "
        "not exactly those of UCI's two files, so the committed files were not changed.\n"
    )
    assert (NOTEBOOK.read_bytes(), ANSWERS.read_bytes()) == before and not (tmp_path / "census").exists()
    notebook, insights = written(tmp_path / "var")
    assert {output.output_type for output in outputs(notebook)} == set(SOUND)  # neither errors nor warnings
    assert len(pictures(notebook)) == len(QUESTIONS)
    assert "5,000 respondents, not those of UCI's two files: only the sentences in bold describe them." in texts(
        notebook
    )
    assert insights == answers() and not unanswered(insights)
    assert [text for text in texts(notebook) if text.startswith("**")] == [
        f"**{e['answer']}**" for e in insights.values()
    ]
    # The sample does not have the differences that these questions find in UCI's files.
    assert insights[SEXES]["answer"].startswith("Overall: unclear.")
    assert "From amount to amount: unclear." in insights[GAINS]["answer"]
    assert "Whether weights change the share of a race: unclear." in insights[WEIGHTS]["answer"]
    assert "At the same level of education, on average: unclear." in insights[STATE]["answer"]
    assert not [text for text in texts(notebook) if "from 201,719" in text]


def test_the_committed_files_match_the_files_of_uci(real_data, make, tmp_path):
    imported("import_census", real_data / "census")
    ran = make()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("census/insights.ipynb and insights.json were written from UCI's files.\n")
    assert not (tmp_path / "var").exists()
    (new, insights), (notebook, answered) = written(tmp_path / "census"), committed()
    assert insights == answered
    assert texts(new) == texts(notebook)
    # Statements of the notebook that do not come from the figures.
    assert not Respondent.objects.filter(workclass=None).exclude(occupation=None).exists()
    jobless = Respondent.objects.filter(occupation=None).exclude(workclass=None)
    assert set(jobless.values_list("workclass__name", flat=True)) == {"Never-worked"}
    assert not Respondent.objects.filter(hours_per_week=0).exists()
    # One changed cell is enough for are_of_uci() to return False.
    Respondent.objects.filter(pk=Respondent.objects.first().pk).update(hours_per_week=1)
    assert not are_of_uci()


def refused(ran, tmp_path):
    """Return the error of a failed make, which must not write files."""
    first, last = ran.stderr.splitlines()
    assert ran.returncode == 2 and last.startswith("make: *** [") and last.endswith("Error 1")
    assert ran.stdout == "" and not {"census", "var"} & {path.name for path in tmp_path.iterdir()}
    return first


def test_too_few_respondents_are_refused_before_anything_is_written(make, respondent, tmp_path):
    assert refused(make(), tmp_path) == (
        "Nothing is written: There are no respondents. Import some first: python manage.py import_census"
    )
    respondent().save()
    assert re.match(
        r"Nothing is written: 1 respondents answer 0 of 6 questions\. Are there as many wives as husbands\? Not enough "
        r"data: expected at least 30 in each group, found .*\. Import more: python manage\.py import_census$",
        refused(make(), tmp_path),
    )


def test_a_cell_that_fails_is_reported_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("{}['women']")])
    nbformat.write(notebook, tmp_path / "insights.ipynb")
    expected = r"^Nothing is written: a cell of insights\.ipynb fails on these respondents \(KeyError: 'women'\)\.$"
    with pytest.raises(NotebookError, match=expected):
        ran_through(tmp_path / "insights.ipynb")


def test_both_files_are_replaced_or_none(tmp_path):
    notebook, insights = tmp_path / "insights.ipynb", tmp_path / "insights.json"
    notebook.write_text("old")
    insights.mkdir()  # a file cannot replace a folder
    with pytest.raises(NotebookError, match=r"^Nothing is written: .*insights\.json: \w"):
        replaced({notebook: "new", insights: "new"})
    assert notebook.read_text() == "old" and sorted(tmp_path.iterdir()) == [notebook, insights]
    insights.rmdir()
    replaced({notebook: "new", insights: "new"})
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["new", "new"]


def test_the_committed_notebook_equals_the_committed_answers():
    notebook, insights = committed()
    assert list(insights) == list(QUESTIONS)
    bold = [text for text in texts(notebook) if text.startswith("**")]
    assert bold == [f"**{entry['answer']}**" for entry in insights.values()]
    headings = [cell.source.splitlines()[0] for cell in notebook.cells if cell.source.startswith("## ")]
    assert headings == [f"## {question}" for question in QUESTIONS]


def test_the_committed_answers_are_of_all_respondents_of_uci():
    _, insights = committed()
    assert insights[WEIGHTS]["figures"]["respondents"] == 48_842
    assert all(entry["figures"] for entry in insights.values())


def test_the_committed_notebook_has_charts_and_no_traces_of_a_machine():
    notebook, _ = committed()
    assert NOTEBOOK.stat().st_size < 1_000_000
    assert {output.output_type for output in outputs(notebook)} == set(SOUND)
    assert all(cell.outputs for cell in notebook.cells[4:] if cell.cell_type == "code")
    images = pictures(notebook)
    assert len(images) == len(QUESTIONS)
    for image in images:
        assert image.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = (int.from_bytes(image[place : place + 4]) for place in (16, 20))
        assert 600 <= width <= 1_000 and 200 <= height <= 1_000
    assert not [cell for cell in notebook.cells if cell.metadata]  # such as the time of the execution
    words = [*texts(notebook), *(cell.source for cell in notebook.cells), json.dumps(notebook.metadata)]
    assert not re.search(
        r"/(home|Users|tmp|usr|opt|var|work|root)/|[A-Z]:\\\\|Warning|20[2-9]\d-\d\d", "\n".join(words)
    )


def by_hours(notebook):
    return [line for text in texts(notebook) for line in text.splitlines() if line.startswith("| and the same hours |")]


def test_the_text_of_the_notebook_has_no_typed_figures():
    notebook, _ = committed()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert set(re.findall(r"\d[\d.,]*\w*%?", cell.source)) <= {"95%", "50K", "50K.", "1994"}, cell.source


def test_the_conclusions_of_the_notebook_follow_from_the_figures():
    notebook, insights = committed()
    figures = {question: entry["figures"] for question, entry in insights.items()}
    wives, sexes, gains, weights, gaps, state = figures.values()
    assert wives["husbands_per_wife"] > 8 and wives["husbands_per_wife_by_weight"] > 8
    # With a spouse, the sexes do not differ; without one, women have about half the odds. Most of the gap disappears,
    # less of it with the distribution of the women.
    assert sexes["gap_with_a_spouse"]["low"] < 0 < sexes["gap_with_a_spouse"]["high"]
    assert 0.5 < sexes["odds_ratio_of_the_others"]["value"] < 0.6
    parts = [sexes[f"part_of_the_gap_at_the_{sex}_shares"] for sex in ("mens", "womens")]
    assert 0.5 < parts[0]["low"] < parts[0]["value"] < parts[1]["value"] < parts[1]["high"]
    # With equal hours, wives have higher odds than husbands; for other women, the odds do not change.
    [wife, other] = [
        re.findall(r"([\d.]+) to ([\d.]+)", row.split("|")[-n]) for n in (3, 2) for row in by_hours(notebook)
    ]
    assert float(wife[0][0]) > 1 > float(other[0][1])
    assert gains["difference"]["low"] > 0 and gains["chance_of_such_a_fall"] < 0.001
    assert gains["one_sided"] > 10 * gains["one_sided_if_amounts_told_nothing"]
    assert gains["top_code"] == gains["top_code_over_50k"]
    assert weights["change"]["low"] < 0 < weights["change"]["high"]
    assert weights["sum_of_weights"] > 5_000_000_000 > weights["sum_of_weights"] // 100
    assert gaps["odds_ratio_at_the_same_age"]["high"] < 1
    shares = [share["value"] for share in gaps["without_work_class_by_age"].values()]
    assert max(shares[1:4]) < min(shares[0], shares[4])  # likeliest at both ends
    assert gaps["of_these_aged_21_to_64"]["low"] > 0.5  # but most have an age between
    assert gaps["without_work_class_nor_occupation"] == gaps["without_work_class"]["of"]
    # The pooled odds are lower; up to high school, they do not differ.
    assert state["difference"]["low"] > 0 and state["odds_ratio_at_the_same_education"]["high"] < 1
    assert state["odds_ratio_up_to_high_school"]["low"] < 1 < state["odds_ratio_up_to_high_school"]["high"]
    assert state["odds_ratio_beyond_high_school"]["high"] < 1
    assert 0 < state["levels_where_the_state_is_behind"] < state["levels_compared"]  # but not at each level
