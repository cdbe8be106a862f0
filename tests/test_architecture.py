"""The tree follows the rules of the architecture, and each rule detects a breach."""

import textwrap

import pytest
from django.apps import apps
from django.urls import get_resolver

from tests.architecture import (
    LONGEST,
    ROOT,
    addresses_in_requirements,
    api_routes,
    bulk_writes,
    datasets,
    first_lines,
    forbidden_names,
    long_modules,
    machine_in_files,
    strangers_imported,
    untested_commands,
    untested_routes,
)

IN_CODE = (strangers_imported, forbidden_names, first_lines, long_modules, bulk_writes)
IN_ALL = (untested_commands, untested_routes, addresses_in_requirements, machine_in_files)


@pytest.mark.parametrize("rule", [*IN_CODE, *IN_ALL], ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    assert rule(ROOT) == []


def test_the_rules_check_all_datasets():
    assert datasets(ROOT) >= {"subjects", "census", "experiments", "people"}
    assert {app.split(".")[0] for app in apps.app_configs} >= datasets(ROOT)


PLACES = {
    "places/models.py": '"""The models."""\n',
    "places/sources.py": '"""Files of places."""\nimport imports.sources\nfrom . import models\n',
    "census/models.py": '"""The models."""\n',
    "census/sources.py": '"""Files of the census."""\n',
}
BREACHES = {
    "an import of a sibling": (strangers_imported, "places/models.py", '"""x"""\nfrom census.models import Country'),
    "a relative import of a sibling": (strangers_imported, "places/models.py", '"""x"""\nfrom ..census import models'),
    "a key to a sibling": (strangers_imported, "places/models.py", '"""x"""\ncity = ForeignKey("census.Country")'),
    "a dataset in a shared package": (strangers_imported, "api/viewsets.py", '"""x"""\nimport census.models'),
    "a dataset's name in a shared package": (
        strangers_imported,
        "explore/views.py",
        '"""x"""\nif app == "census": x()',
    ),
    "a name that says nothing": (forbidden_names, "places/utils.py", '"""Odds and ends."""'),
    "a package whose name says nothing": (forbidden_names, "places/common/text.py", '"""Odds and ends."""'),
    "no docstring": (first_lines, "places/models.py", "import json"),
    "a docstring further down": (first_lines, "places/models.py", '# note\n"""Places."""'),
    "an empty first line": (first_lines, "places/models.py", '"""\nPlaces.\n"""'),
    "a long module": (long_modules, "places/models.py", '"""x"""\n' + "\n" * LONGEST),
    "bulk_create": (bulk_writes, "places/admin.py", '"""x"""\nPlace.objects.bulk_create(found)'),
    "an update of a queryset": (bulk_writes, "places/admin.py", '"""x"""\nPlace.objects.filter(x=1).update(x=2)'),
    "a deletion": (bulk_writes, "places/admin.py", '"""x"""\nqueryset.delete()'),
    "executemany": (bulk_writes, "curation/admin.py", '"""x"""\ncursor.executemany(sql, rows)'),
    "SQL": (bulk_writes, "api/viewsets.py", '"""x"""\nexecute(f"INSERT INTO {table} VALUES (1)")'),
    "COPY": (bulk_writes, "places/models.py", '"""x"""\ncursor.copy(f"COPY {table} ({names}) FROM STDIN")'),
    "an untested command": (untested_commands, "places/management/commands/import_places.py", '"""x"""'),
    "an index": (addresses_in_requirements, "requirements.txt", "--index-url https://packages.example.org/simple"),
    "a wheel on this machine": (addresses_in_requirements, "requirements.txt", "six @ file:///wheels/six.whl"),
    "a found link": (addresses_in_requirements, "requirements-dev.txt", "    --find-links /wheels"),
    "a folder of this machine": (machine_in_files, "README.md", "Type: cd /root/tabularium"),
    "an index in a page": (machine_in_files, "Dockerfile", "RUN pip install -i https://packages.example.org/simple"),
}


@pytest.mark.parametrize(("rule", "name", "text"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_seen(rule, name, text, tmp_path):
    for place, content in {**PLACES, name: text}.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(textwrap.dedent(content))
    violations = rule(tmp_path)
    assert len(violations) == 1 and name.rpartition("/")[2].removesuffix(".py") in violations[0]


def test_permitted_code_is_not_a_breach(tmp_path):
    allowed = (
        '"""x"""\nImportRun.objects.filter(pk=1).update(x=2)\nseen = {}\nseen.update(a=1)\n"places.Place"\n"census"'
    )
    for place, content in {
        **PLACES,
        "places/admin.py": allowed,
        "imports/engine/staging.py": '"""x"""\nc.executemany()',
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(content)
    assert [breach for rule in IN_CODE for breach in rule(tmp_path)] == []


def test_an_untested_address_is_detected(tmp_path):
    (tmp_path / "tests").mkdir()
    questions = (
        'get("/api/?format=json")\nget("/api/nothing/")\n[get(f"/api/people/{table}/{pk}/") for table in ["places"]]'
    )
    (tmp_path / "tests/test_api.py").write_text(f'"""x"""\n{questions}')
    missing = untested_routes(tmp_path)
    assert len(missing) == len({*api_routes(get_resolver())}) - 2
    assert any("people/places/$" in breach for breach in missing)
