"""Exports as NDJSON, JSON and Parquet can be imported, into an empty database and into the one that they came from."""

import json

import pytest
from django.core.management import call_command

from subjects.models import Session
from tests.fast_flush import empty_now
from tests.import_helpers import SAMPLES
from tests.imports.test_exported_tables import TABLES, only_unchanged, values


@pytest.mark.parametrize("dataset", TABLES)
def test_exports_in_other_formats_can_be_imported(dataset, importing, whole, tmp_path, django_user_model):
    def exported(ending):
        django_user_model.objects.get_or_create(username="root", is_superuser=True)
        files = [tmp_path / f"{table}.{ending}" for table in tables]
        for file in files:
            name = file.stem.replace("_", "-")
            call_command("export", f"{dataset}/{name}", "-o", str(file), "--as-user", "root", verbosity=0)
        return files

    importing(dataset, SAMPLES / dataset)
    tables = [table.replace("-", "_") for table in TABLES[dataset]]
    before, values_before = [whole(table) for table in tables], values(exported("csv"))
    files = {ending: exported(ending) for ending in ("ndjson", "json", "parquet")}
    for some in files.values():
        assert only_unchanged(importing(dataset, *some)) == {}
    assert [whole(table) for table in tables] == before
    empty_now()
    report = importing(dataset, *files["parquet"])
    assert {source: set(result) for source, result in report.counts.items()} == {t: {"read", "created"} for t in tables}
    assert values(exported("csv")) == values_before


def test_an_exported_record_between_documents_is_rejected(importing, tmp_path):
    importing("subjects", SAMPLES / "subjects")
    file, sessions = tmp_path / "subjects.json", Session.objects.count()
    call_command("export", "subjects/subjects", "-o", str(file), verbosity=0)
    file.write_text(json.dumps([{"subject_id": "x" * 70_000}, *json.loads(file.read_text())]))
    report = importing("subjects", file)
    expected = "is an exported record. Import the export of its table instead"
    assert expected in {r["problems"][0]["message"] for r in report["rejections"]}
    assert Session.objects.count() == sessions
