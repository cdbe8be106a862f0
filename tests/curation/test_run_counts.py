"""The counts of a run agree with its tabs at any time, and state whether the run was applied."""

import pytest

from curation.history import edits
from curation.history.undo import redo_run, undo_edit, undo_run
from experiments.models import User, UserExperiment
from imports.models import ImportRun

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,Aspirin,C\n2,Borax,H\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n7,1,1;2,5\n8,2,2,6\n"
TABS = {"changed": "updated", "new": "created", "missing": "missing", "kept": "kept", "rejected": "rejected"}


@pytest.fixture
def run(bring, write, importing):
    folder = bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)
    edits.correct(User.objects.filter(pk=1), {"name": "Anne"}, None)
    edits.delete(UserExperiment.objects.filter(pk=8), None)
    write("all/users.csv", USERS.replace("Ann,", "Hanna,").replace("Bob", "Rob") + "3,Cy,cy@example.org,2023-01-03\n")
    write("all/compounds.csv", COMPOUNDS + "3,Chalk,O\nnone,Chalk,O\n")
    write("all/user_experiments.csv", EXPERIMENTS.replace("7,1,1;2", "9,3,3"))
    importing("experiments", folder, "--delete-missing")
    return ImportRun.objects.first()


def expect_counts(client, run, caption):
    """Check each tab against its count, and that the tab has as many entries; return the entries of the tab New."""
    page = client.get(f"/admin/imports/importrun/{run.pk}/change/")
    assert f"<caption>{caption.capitalize()}" in page.text
    tabs = {item["name"]: int(item["size"]) for item in page.context["tabs"]}
    for tab, count in TABS.items():
        counted = sum(source["totals"][count] for source in page.context["sources"])
        shown = client.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": tab}).context["entries"]
        assert tabs[tab] == counted == len(shown), tab
    new = client.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": "new"}).context["entries"]
    file = client.get(f"/admin/imports/sourcefile/{run.files.first().pk}/change/")
    assert caption in file.text
    return sorted((entry["source"], entry["record"]) for entry in new)


def test_the_counts_of_a_run_always_agree_with_its_tabs(run, admin_client):
    new = [("compounds", "3"), ("user_experiments", "9"), ("users", "3")]
    assert [(s, str(r)) for s, r in expect_counts(admin_client, run, "applied")] == new
    deletions = [edits.delete(model.objects.filter(pk=pk), None) for model, pk in ((UserExperiment, 9), (User, 3))]
    assert [(s, str(r)) for s, r in expect_counts(admin_client, run, "applied")] == new
    for edit in reversed(deletions):
        undo_edit(edit)
    undo_run(run)
    assert [(s, str(r)) for s, r in expect_counts(admin_client, run, "undone")] == new
    redo_run(run)
    assert [(s, str(r)) for s, r in expect_counts(admin_client, run, "applied")] == new


def test_counts_of_a_preview_are_marked_as_such(bring, write, importing, admin_client):
    importing("experiments", write("users.csv", USERS), "--dry-run")
    run = ImportRun.objects.get()
    expect_counts(admin_client, run, "preview: nothing was applied")
    assert "preview: nothing was applied" in admin_client.get("/admin/imports/sourcefile/").text
    ImportRun.objects.update(status="discarded")
    expect_counts(admin_client, run, "discarded: nothing was applied")
