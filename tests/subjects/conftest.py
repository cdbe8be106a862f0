"""Experiment folders for the tests of subjects."""

import json

import pytest


@pytest.fixture
def folder(tmp_path):
    """A function that makes an experiment folder with this subject.json, text or a document, and returns its path."""

    def make(name, document):
        path = tmp_path / "experiments" / name
        path.mkdir(parents=True, exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=3)
        (path / "subject.json").write_text(text, encoding="utf-8")
        return path

    return make
