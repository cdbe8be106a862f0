"""A client generated from the OpenAPI description reads every list and runs an import on a live server."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.servers.basehttp import WSGIRequestHandler

from datasets.tokens import make_token
from subjects.models import Subject

pytestmark = pytest.mark.only_on("sqlite")

MADE: dict[bytes, str] = {}  # the package name of each generated client, by description


@pytest.fixture
def generated(client, tmp_path_factory):
    """The package that openapi-python-client generates from the description without warnings."""
    description = client.get("/api/schema/").content
    if description not in MADE:
        folder, name = tmp_path_factory.mktemp("generated"), f"generated_client_{len(MADE)}"
        (folder / "api.json").write_bytes(description)
        (folder / "config.yaml").write_text("post_hooks: []\n")
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("openapi-python-client"), "generate", "--path", folder / "api.json"),
                *("--meta", "none", "--output-path", folder / name, "--config", folder / "config.yaml"),
            ],
            capture_output=True,
            text=True,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0 and "WARNING" not in output and "ERROR" not in output, output[:3000]
        sys.path.append(str(folder))
        MADE[description] = name
    return importlib.import_module(MADE[description])


@pytest.fixture
def program(generated, live_server, admin_user, monkeypatch):
    """A client of the package with a token; an undocumented response is an error."""
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)  # avoid a delay of 40 ms per response
    _, secret = make_token(admin_user, "generated", ["read", "import"])
    made = generated.AuthenticatedClient(base_url=live_server.url, token=secret, raise_on_unexpected_status=True)
    with made as program:
        yield program


def operations(generated) -> dict:
    """The modules of the package's operations, by their names."""
    modules = {}
    for tag in pkgutil.iter_modules(importlib.import_module(f"{generated.__name__}.api").__path__):
        package = importlib.import_module(f"{generated.__name__}.api.{tag.name}")
        for module in pkgutil.iter_modules(package.__path__):
            modules[module.name] = importlib.import_module(f"{package.__name__}.{module.name}")
    return modules


def answered(operation, program, status=200, **options):
    """Call an operation, and return the parsed response, which must have all of the body."""
    answer = operation.sync_detailed(client=program, **options)
    assert answer.status_code == status, answer.content
    sent = json.loads(answer.content)
    assert type(answer.parsed).__name__ != "Problem"
    assert answer.parsed.to_dict().keys() == sent.keys()
    return answer.parsed, sent


def test_a_generated_client_works_for_every_operation_that_reads(generated, program):
    call_command("import_sources", verbosity=0)
    known = operations(generated)
    described = json.loads(next(iter(MADE)))["paths"]
    assert set(known) == {operation["operationId"] for path in described.values() for operation in path.values()}
    lists = [name.removesuffix("_list") for name in known if name.endswith("_list") and name != "imports_list"]
    assert len(lists) > 15
    for name in lists:
        page, sent = answered(known[f"{name}_list"], program, page_size=3)
        assert 0 < len(page.results) <= 3
        assert [list(record.to_dict()) for record in page.results] == [list(record) for record in sent["results"]]
        key = next(iter(page.results[0].to_dict().values()))
        _, sent = answered(known[f"{name}_retrieve"], program, id=key)
        assert next(iter(sent.values())) == key
        summary, _ = answered(known[f"{name}_summary"], program)
        assert summary.results[0].additional_properties["count"] > 0


def test_a_generated_client_sends_several_values_and_columns(generated, program):
    for key, species in enumerate(["Mus musculus", "Rattus norvegicus, Long-Evans", "Homo sapiens", None]):
        Subject.objects.create(subject_id=f"mouse_{key}", species=species, sex="Male" if key else "Female")
    subjects = operations(generated)["subjects_subjects_list"]
    models = importlib.import_module(f"{generated.__name__}.models")
    fields = [models.SubjectsSubjectsListFieldsItem(name) for name in ("species", "subject_id")]
    order = [models.SubjectsSubjectsListOrderingItem(name) for name in ("sex", "-subject_id")]
    several = ["Mus musculus", "Rattus norvegicus, Long-Evans"]
    _, sent = answered(subjects, program, species_in=several, fields=fields, ordering=order)
    assert sent["results"] == [
        {"species": "Mus musculus", "subject_id": "mouse_0"},
        {"species": "Rattus norvegicus, Long-Evans", "subject_id": "mouse_1"},
    ]
    for species in ("Mus musculus", "Rattus norvegicus, Long-Evans"):
        page, _ = answered(subjects, program, species=species)
        assert [record.species for record in page.results] == [species]
    omitted = [models.SubjectsSubjectsListOmitItem(name) for name in ("sex", "genotype")]
    _, sent = answered(subjects, program, species_in=["Homo sapiens"], omit=omitted)
    assert not {"sex", "genotype"} & sent["results"][0].keys() and sent["results"][0]["subject_id"] == "mouse_2"


def test_a_generated_client_runs_an_import(generated, program):
    known = operations(generated)
    models = importlib.import_module(f"{generated.__name__}.models")
    file = importlib.import_module(f"{generated.__name__}.types").File

    def posted(text: str, mode: str):
        place = b"city,county,country\nKelso,Roxburghshire,Scotland\n"
        body = models.ImportUpload(
            dataset=models.ImportUploadDataset("people"),
            mode=models.ImportUploadMode(mode),
            files=[file(importlib.import_module("io").BytesIO(part), name) for part, name in
                   ((place, "places.csv"), (text.encode(), "people.csv"))],
        )  # fmt: skip
        run, _ = answered(known["imports_create"], program, 202, body=body)
        return run.id

    def worked(key: int):
        call_command("worker", batch=True)
        return answered(known["imports_retrieve"], program, id=key)[0]

    people = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
    run = worked(posted(people + "Bo,Oak,never,Kelso\n", "preview"))
    assert (run.status, [source.rejected for source in run.sources]) == ("previewed", [0, 1])
    rejected, _ = answered(known["imports_rejections"], program, id=run.id)
    assert [row.line for row in rejected.results] == [3]
    answered(known["imports_apply"], program, 202, id=run.id)
    run = worked(run.id)
    assert run.status == "applied" and sum(source.created for source in run.sources) == 2
    undone, _ = answered(known["imports_undo"], program, id=run.id)
    assert undone.status == "undone"
    redone, _ = answered(known["imports_redo"], program, id=run.id)
    assert redone.status == "applied"
    waiting = posted(people, "apply")
    answered(known["imports_cancel"], program, 202, id=waiting)
    body = models.ImportRequest(
        dataset=models.ImportRequestDataset("people"),
        sources=models.ImportRequestSources("configured"),
        mode=models.ImportRequestMode("preview"),
    )
    started, _ = answered(known["imports_create"], program, 202, body=body)
    assert worked(started.id).status == "previewed"
    listed, _ = answered(known["imports_list"], program)
    assert [run.id for run in listed.results] == [started.id, waiting, run.id]
