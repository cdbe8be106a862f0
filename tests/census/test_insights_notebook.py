"""The notebook of the six insights: it runs on any respondents, and what is committed is what UCI's files say."""

import base64
import json
import re
from pathlib import Path

import nbformat
import pytest

from census.insights import QUESTIONS, answers
from census.models import Respondent
from tests.importing import SAMPLES, imported
from tests.notebooks import executed, texts

CENSUS = Path(__file__).resolve().parents[2] / "census"
NOTEBOOK, ANSWERS = CENSUS / "insights.ipynb", CENSUS / "insights.json"
WIVES, SEXES, GAINS, WEIGHTS, GAPS, STATE = QUESTIONS
SOUND = ("execute_result", "display_data")


@pytest.fixture
def run(child_environment, tmp_path, monkeypatch):
    """A function that runs the notebook on this test's database; Jupyter's own files are the test's, too."""
    own = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    for name, folder in own.items():
        monkeypatch.setenv(name, folder)
    return lambda: executed(NOTEBOOK, child_environment | own)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def pictures(notebook):
    return [base64.b64decode(o.data["image/png"]) for o in outputs(notebook) if "image/png" in o.get("data", {})]


def committed():
    return nbformat.read(NOTEBOOK, as_version=4), json.loads(ANSWERS.read_text(encoding="utf-8"))


def test_the_notebook_runs_on_the_sample(run):
    imported("import_census", SAMPLES / "census")
    notebook = run()
    assert {output.output_type for output in outputs(notebook)} == set(SOUND)  # neither errors nor warnings
    assert len(pictures(notebook)) == len(QUESTIONS)
    assert "5,000 respondents." in texts(notebook)
    said = answers()
    assert [text for text in texts(notebook) if text.startswith("**")] == [f"**{e['answer']}**" for e in said.values()]
    assert not [entry for entry in said.values() if not entry["figures"]]


def test_what_is_committed_holds_on_the_files_of_uci(real_data, run):
    imported("import_census", real_data / "census")
    notebook, said = committed()
    assert answers() == said
    assert texts(run()) == texts(notebook)
    # What the notebook says in its own words, beside the figures.
    assert not Respondent.objects.filter(workclass=None).exclude(occupation=None).exists()
    jobless = Respondent.objects.filter(occupation=None).exclude(workclass=None)
    assert set(jobless.values_list("workclass__name", flat=True)) == {"Never-worked"}
    assert not Respondent.objects.filter(hours_per_week=0).exists()


def test_the_committed_notebook_says_what_the_committed_answers_say():
    notebook, said = committed()
    assert list(said) == list(QUESTIONS)
    bold = [text for text in texts(notebook) if text.startswith("**")]
    assert bold == [f"**{entry['answer']}**" for entry in said.values()]
    headings = [cell.source.splitlines()[0] for cell in notebook.cells if cell.source.startswith("## ")]
    assert headings == [f"## {question}" for question in QUESTIONS]


def test_the_committed_answers_are_of_all_respondents_of_uci():
    _, said = committed()
    assert said[WEIGHTS]["figures"]["respondents"] == 48_842
    assert all(entry["figures"] for entry in said.values())


def test_the_committed_notebook_has_its_pictures_and_nothing_of_a_machine():
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
    assert not [cell for cell in notebook.cells if cell.metadata]  # such as the time when it ran
    words = [*texts(notebook), *(cell.source for cell in notebook.cells), json.dumps(notebook.metadata)]
    assert not re.search(
        r"/(home|Users|tmp|usr|opt|var|work|root)/|[A-Z]:\\\\|Warning|20[2-9]\d-\d\d", "\n".join(words)
    )


def by_hours(notebook):
    return [line for text in texts(notebook) for line in text.splitlines() if line.startswith("| and the same hours |")]


def test_no_figure_in_the_notebooks_own_words_is_typed_by_hand():
    notebook, _ = committed()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert set(re.findall(r"\d[\d.,]*\w*%?", cell.source)) <= {"95%", "50K", "50K.", "1994"}, cell.source


def test_what_the_notebooks_own_words_conclude_follows_from_the_figures():
    notebook, said = committed()
    figures = {question: entry["figures"] for question, entry in said.items()}
    wives, sexes, gains, weights, gaps, state = figures.values()
    assert wives["husbands_per_wife"] > 8 and wives["husbands_per_wife_by_weight"] > 8
    # The sexes do not differ with a spouse; without one women have about half the odds, and the gap is nearly all told.
    assert sexes["gap_with_a_spouse"]["low"] < 0 < sexes["gap_with_a_spouse"]["high"]
    assert 0.5 < sexes["odds_ratio_of_the_others"]["value"] < 0.6
    assert sexes["gap_if_married_alike"]["value"] < 0.1 * sexes["gap"]["value"]
    # At equal hours wives are ahead of husbands, and the other women as far behind as before.
    [wife, other] = [
        re.findall(r"([\d.]+) to ([\d.]+)", row.split("|")[-n]) for n in (3, 2) for row in by_hours(notebook)
    ]
    assert float(wife[0][0]) > 1 > float(other[0][1])
    assert gains["one_sided"] > 10 * gains["one_sided_if_amounts_told_nothing"]
    assert gains["top_code"] == gains["top_code_over_50k"]
    assert weights["change"]["low"] < 0 < weights["change"]["high"]
    assert weights["sum_of_weights"] > 5_000_000_000 > weights["sum_of_weights"] // 100
    assert gaps["odds_ratio_at_the_same_age"]["high"] < 1
    shares = [share["value"] for share in gaps["without_work_class_by_age"].values()]
    assert max(shares[1:4]) < min(shares[0], shares[4])  # the young and the old
    # Behind as pooled; not to be told apart up to high school.
    assert state["difference"]["low"] > 0 and state["odds_ratio_at_the_same_education"]["high"] < 1
    assert state["odds_ratio_up_to_high_school"]["low"] < 1 < state["odds_ratio_up_to_high_school"]["high"]
    assert state["odds_ratio_beyond_high_school"]["high"] < 1
