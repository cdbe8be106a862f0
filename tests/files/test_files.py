"""The flat files of three packages become datasets, whose exports equal the files value by value (make test-files)."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.files.package_files import flat_files

INSTALLED = ROOT / ".venv" / "files"
# Their rows do not have as many cells as the first line, which is a title or has counts.
REFUSED = {"breast_cancer.csv", "wine_data.csv", "scotland_population.csv"}


def folders() -> dict[str, Path]:
    statsmodels = importlib.util.find_spec("statsmodels")
    return {
        "vega-datasets": INSTALLED / "node_modules" / "vega-datasets" / "data",
        "scikit-learn": INSTALLED / "python" / "sklearn",
        "statsmodels": Path(statsmodels.submodule_search_locations[0]),
    }


def jobs_and_left_out() -> tuple[dict[str, Path], dict[str, str]]:
    """Return a file for each name of a dataset, and the reason for each file that is left out."""
    jobs: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for package, folder in folders().items():
        assert folder.is_dir(), f"{folder} does not exist. Run: make test-files"
        for path, why in flat_files(folder):
            if why:
                left_out[f"{package}: {path.relative_to(folder)}"] = why
            else:
                words = "_".join(re.findall("[a-z0-9]+", path.stem.lower()))
                jobs[f"d{len(jobs)}_{words}"[:24].strip("_")] = path
    return jobs, left_out


@pytest.fixture
def project(tmp_path):
    """A copy of the project, and a function that runs Python in it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    settings = {"DEBUG": "on", "ENV_FILE": "", "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": "."}
    settings |= {"DATABASE_URL": f"sqlite:///{tmp_path}/files.sqlite3", "MEDIA_ROOT": str(tmp_path / "media")}

    def run(*arguments: object) -> None:
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]} {done.stderr[-3000:]}"

    return tmp_path, run


def test_files_become_datasets_whose_exports_equal_them(project):
    folder, run = project
    jobs, left_out = jobs_and_left_out()
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    job_file, app_file, outcome_file = (folder / f"{name}.json" for name in ("jobs", "apps", "outcomes"))
    job_file.write_text(json.dumps({name: str(path) for name, path in jobs.items()}))
    run("tests/files/generate_apps.py", job_file, app_file)
    run("-m", "ruff", "check", ".")
    run("-m", "ruff", "format", "--check", ".")
    run("manage.py", "check")
    run("manage.py", "makemigrations", "--check", "--dry-run")
    run("manage.py", "migrate", "--verbosity", "0")
    run("tests/files/import_files.py", job_file, app_file, outcome_file)
    apps, outcomes = json.loads(app_file.read_text()), json.loads(outcome_file.read_text())
    wrong = []
    for name, path in jobs.items():
        refused, outcome = apps[name].get("error", ""), outcomes.get(name, {})
        key = "+".join(apps[name].get("key", [])) or "none"
        print(f"{path.name}: {refused or outcome.get('error') or outcome['created']} rows, key {key}")
        if bool(refused) != (path.name in REFUSED) or (not refused and not is_whole(outcome)):
            wrong.append((path.name, refused, outcome))
    assert not wrong
    assert len(outcomes) >= 60


def is_whole(outcome: dict) -> bool:
    """Return whether an import stored every row, a second one changed nothing, and the export equals the file."""
    stored = "error" not in outcome and outcome["read"] == outcome["created"]
    return stored and not outcome["rejected"] and not outcome["changed_again"] and not outcome["differences"]
