"""Fixtures of experiment folders."""

import json

import pytest


@pytest.fixture
def folder(tmp_path):
    """A function that creates an experiment folder with a subject.json (text or document); returns its path."""

    def make(name, document):
        path = tmp_path / "experiments" / name
        path.mkdir(parents=True, exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=3)
        (path / "subject.json").write_text(text, encoding="utf-8")
        return path

    return make
