"""The record page shows the origin of each value: the file, line and run, or the edit, that set it."""

import re

import pytest

from census.models import Workclass
from curation.history import edits
from curation.history.origins import origins_of
from curation.history.undo import redo_run, undo_edit, undo_run
from experiments.models import User, UserExperiment
from imports.models import Change, Edit, ImportRun

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
LATER = "user_id,name,email,signup_date\n2,Bob,bob@example.org,2023-01-02\n1,Ann,ann@example.org,2024-05-06\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n3,C,O\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;2,5\n2,1,3,6\n"


@pytest.fixture
def runs(bring):
    """Import the files twice: the second time Ann has another date, on another line."""
    bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)
    bring("experiments", users=LATER)
    return [run.pk for run in ImportRun.objects.order_by("pk")]


def origins(model=User, pk=1):
    """Return the origin of each value: the run and the line, or the number of the edit."""
    return {
        name: f"edit {origin.edit.pk}" if origin.edit else origin.file and (origin.file.run_id, origin.line)
        for name, origin in origins_of(model.objects.get(pk=pk)).items()
    }


def record(pk=1, model=User):
    return model.objects.filter(pk=pk)


def test_a_value_comes_from_the_file_that_set_it(runs):
    first, second = runs
    assert origins() == {"user_id": (first, 2), "name": (first, 2), "email": (first, 2), "signup_date": (second, 3)}


def test_a_corrected_value_comes_from_its_edit(runs):
    _, second = runs
    correction = edits.correct(record(), {"name": "Anne", "email": "anne@example.org"}, None)
    again = edits.correct(record(), {"email": "hanna@example.org"}, None)
    assert (origins()["name"], origins()["email"]) == (f"edit {correction.pk}", f"edit {again.pk}")
    assert origins()["signup_date"] == (second, 3)
    reverted = edits.revert(record(), "name", None)
    assert origins()["name"] == f"edit {reverted.pk}"


def test_a_kept_correction_still_comes_from_its_edit(runs, bring):
    correction = edits.correct(record(), {"name": "Anne"}, None)
    bring("experiments", users=LATER.replace("Ann,", "Anna,"))
    assert Change.objects.filter(kind="kept").exists()
    assert origins()["name"] == f"edit {correction.pk}"


def test_an_undone_change_does_not_count(runs):
    first, second = runs
    correction = edits.correct(record(), {"name": "Anne"}, None)
    undo_edit(correction)
    assert origins()["name"] == (first, 2)
    run = ImportRun.objects.get(pk=second)
    undo_run(run)
    assert origins()["signup_date"] == (first, 2)
    run.refresh_from_db()
    redo_run(run)
    assert origins()["signup_date"] == (second, 3)


def test_a_value_restored_by_an_undo_has_its_earlier_origin(runs):
    first, _ = runs
    correction = edits.correct(record(), {"name": "Anne"}, None)
    edits.correct(record(), {"name": "Hanna"}, None)
    last = edits.correct(record(), {"name": "Anne"}, None)
    assert origins()["name"] == f"edit {last.pk}"
    undo_edit(correction)  # later changes cancel each other and do not block it
    assert User.objects.get(pk=1).name == "Ann" and origins()["name"] == (first, 2)


def test_a_restored_record_has_the_origins_that_it_had(runs):
    edits.correct(record(2), {"name": "Rob"}, None)
    before = origins(pk=2)
    edits.delete(record(2), None)
    edits.restore(Change.objects.filter(is_tombstone=True), User, None)
    assert origins(pk=2) == before


def test_a_created_record_comes_from_its_edit(runs):
    edit = edits.created(User.objects.create(pk=9, name="Cy", signup_date="2024-01-01"), None)
    correction = edits.correct(record(9), {"name": "Cyd"}, None)
    assert origins(pk=9) == dict.fromkeys(["user_id", "email", "signup_date"], f"edit {edit.pk}") | {
        "name": f"edit {correction.pk}"
    }


def test_a_re_created_record_has_new_origins(runs, write, importing):
    edits.correct(record(2), {"name": "Rob"}, None)
    importing("experiments", write("all/users.csv", USERS.partition("2,")[0]), "--delete-missing")
    assert not record(2).exists()
    importing("experiments", write("all/users.csv", USERS))
    last = ImportRun.objects.latest("pk").pk
    assert set(origins(pk=2).values()) == {(last, 3)}


def test_compounds_have_an_origin(runs, bring):
    first, _ = runs
    assert origins(UserExperiment)["compounds"] == (first, 2)
    bring("experiments", user_experiments=EXPERIMENTS.replace("1;2", "1;3"))
    last = ImportRun.objects.latest("pk").pk
    assert origins(UserExperiment)["compounds"] == (last, 2) and origins(UserExperiment)["user"] == (first, 2)
    edit = edits.correct(record(1, UserExperiment), {"compounds": [2]}, None)
    assert origins(UserExperiment)["compounds"] == f"edit {edit.pk}"


def test_a_record_with_an_unknown_origin_has_none(db):
    User.objects.create(pk=9, name="Cy", signup_date="2024-01-01")
    assert set(origins(pk=9).values()) == {None}


def test_the_origins_of_a_record_take_four_queries(runs, django_assert_num_queries):
    for number in range(20):
        edits.correct(record(), {"name": f"Ann {number}", "email": f"ann{number}@example.org"}, None)
    ann = User.objects.get(pk=1)
    with django_assert_num_queries(4):
        origin = origins_of(ann)["name"]
    assert origin.edit == Edit.objects.latest("pk")


def origin_on_page(client, address, name):
    """Return the text of the origin below a field."""
    page = client.get(address).text
    [field] = re.findall(
        rf'<div class="form-row record-row field-{name}">.*?(?=<div class="form-row|</fieldset>)', page, re.S
    )
    return " ".join(
        re.sub(r"<[^>]*>", "", "".join(re.findall(r'<div class="record-origin origin">(.*?)</div>', field))).split()
    )


@pytest.mark.only_on("sqlite")
def test_the_page_of_a_record_shows_the_origin_of_each_field(runs, admin_client, admin_user):
    first, second = runs
    edit = edits.correct(record(), {"name": "Anne"}, admin_user)
    page = "/admin/experiments/user/1/change/"
    assert origin_on_page(admin_client, page, "user_id") == f"users.csv, line 2 (run {first})"
    assert origin_on_page(admin_client, page, "signup_date") == f"users.csv, line 3 (run {second})"
    assert re.fullmatch(
        rf"Corrected by admin, \d{{4}}-\d\d-\d\d \d\d:\d\d \(edit {edit.pk}\)",
        origin_on_page(admin_client, page, "name"),
    )
    assert f'<a href="/admin/imports/edit/{edit.pk}/change/">edit {edit.pk}</a>' in admin_client.get(page).text
    compounds = origin_on_page(admin_client, "/admin/experiments/userexperiment/1/change/", "compounds")
    assert compounds == f"user_experiments.csv, line 2 (run {first})"


@pytest.mark.only_on("sqlite")
def test_the_origin_of_a_hidden_value_is_hidden(runs, staff):
    client = staff("view_user", "view_importrun", "view_sourcefile")
    page = "/admin/experiments/user/1/change/"
    assert origin_on_page(client, page, "name") == f"users.csv, line 2 (run {runs[0]})"
    assert origin_on_page(client, page, "email") == ""


@pytest.mark.only_on("sqlite")
def test_a_term_has_an_origin(write, importing, admin_client):
    row = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40,"
    importing("census", write("adult.data", f"{row} United-States, <=50K\n"))
    run, term = ImportRun.objects.get(), Workclass.objects.get()
    page = f"/admin/census/workclass/{term.pk}/change/"
    assert origin_on_page(admin_client, page, "name") == f"adult.data (run {run.pk})"
    edits.correct(Workclass.objects.all(), {"name": "State"}, None)
    assert origin_on_page(admin_client, page, "name").startswith("Corrected by the command line")
