"""History keeps every value exactly, and undo also restores tombstones and provenance."""

import pytest
from django.db import connection
from django.urls import reverse

from census.models import Workclass
from curation.history import edits
from curation.history.edits import EditRefusedError
from curation.history.undo import undo_edit, undo_run
from datasets import exact_json
from experiments.models import User, UserExperiment
from imports.models import Change, Edit, ImportRun
from people.models import Person
from subjects.models import Session, Subject
from tests.confirming import confirm

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n"
USERS += "9007199254740993,Zoë 🧪,z@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n9223372036854775807,C,O\n"
HEADER = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
TIMES = ["123456789.12345678", "0.1", "0.30000000000000004", "1e-7", "9007199254740993", "5e-324", "9.87654321e149"]
LINES = [f"{key},9007199254740993,2;9223372036854775807,{time}\n" for key, time in enumerate(TIMES, 1)]
EXPERIMENTS = HEADER + "".join(LINES)
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBo,Oak,1901-02-03,Kelso\n"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
NUMBERS = "[0.1, 1e-7, 0.1234567890123456789, 1.00, -1E+25]"
DOCUMENT = f'{{"subject_id": "7",  "weights": {NUMBERS}, "note": "Ä", "z": {{"b": 1.0, "a": null}}}}'


@pytest.fixture
def experiments(bring):
    return bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)


@pytest.fixture
def stored(rows):
    """Return all rows of the tables with floats, large numbers, documents and members, as the driver reads them."""

    def stored():
        tables = ("users", "compounds", "user_experiments", "subjects", "sessions")
        members = "SELECT experiment_id, compound_id FROM user_experiment_compounds"
        return [sorted(rows(f"SELECT * FROM {table}"), key=repr) for table in tables] + [sorted(rows(members))]

    return stored


def last_run():
    return ImportRun.objects.first()


def take_back(what):
    if isinstance(what, ImportRun):
        undo_run(what)
    else:
        undo_edit(what)


def unchanged(report):
    assert not any(source["updated"] or source["created"] or source["rejected"] for source in report["sources"])
    return report


@pytest.mark.parametrize("remove", [False, True])
def test_undo_of_an_import_restores_every_digit(experiments, importing, stored, write, remove):
    before = stored()
    times = HEADER if remove else EXPERIMENTS.replace(",9007199254740993,2;9223372036854775807,", ",1,1,1")
    importing("experiments", write("user_experiments.csv", times), *(["--delete-missing"] if remove else []))
    assert stored() != before
    undo_run(last_run())
    assert stored() == before
    unchanged(importing("experiments", experiments))


@pytest.mark.parametrize("undone", [False, True])
def test_a_reverted_or_undone_correction_restores_every_digit(experiments, importing, stored, undone):
    before = stored()
    new = {"experiment_run_time": 0.1 + 0.7, "compounds": [1], "user": User.objects.get(pk=1)}
    edit = edits.correct(UserExperiment.objects.all(), new, None)
    assert unchanged(importing("experiments", experiments)).counts["user_experiments"]["kept"] == len(TIMES)
    if undone:
        take_back(edit)
    else:
        for name in new:
            edits.revert(UserExperiment.objects.all(), name, None)
    assert stored() == before
    unchanged(importing("experiments", experiments))


@pytest.mark.parametrize("undone", [False, True])
def test_a_restored_or_undone_deletion_restores_every_digit(experiments, importing, stored, undone):
    before = stored()
    edit = edits.delete(UserExperiment.objects.all(), None)
    if undone:
        take_back(edit)
    else:
        edits.restore(edit.changes.all(), UserExperiment, None)
    assert stored() == before
    unchanged(importing("experiments", experiments))


def test_history_shows_every_digit(experiments, importing, write, admin_client):
    importing("experiments", write("user_experiments.csv", HEADER + LINES[0].replace(TIMES[0], "5")))
    page = admin_client.get(reverse("admin:experiments_userexperiment_history", args=["1"]))
    changed = page.context["entries"][-1]
    assert [(d.before, d.after) for d in changed.differences] == [(TIMES[0], "5.0" if sqlite() else "5")]


def sqlite():
    return connection.vendor == "sqlite"


def test_a_preview_shows_no_update_whose_old_and_new_are_equal(experiments, importing, write):
    importing("experiments", write("user_experiments.csv", HEADER + LINES[0].replace(TIMES[0], "5")))
    undo_run(last_run())
    report = unchanged(importing("experiments", experiments, "--dry-run"))
    assert report.counts["user_experiments"] == {"read": len(TIMES), "unchanged": len(TIMES)}


@pytest.fixture
def subjects(write, importing):
    path = write("all/s/subject.json", DOCUMENT).parent.parent
    importing("subjects", path)
    return path


@pytest.mark.parametrize("how", ["run", "correction", "revert", "deletion", "restore"])
def test_a_document_is_restored_exactly(subjects, importing, write, stored, how):
    if how == "deletion":  # one as Django writes it, with spaces and with the letters escaped
        Session.objects.update(document=exact_json.loads(DOCUMENT))
    before = stored()
    if how == "run":
        write("all/s/subject.json", DOCUMENT.replace("6789", "678"))
        importing("subjects", subjects)
        undo_run(last_run())
        write("all/s/subject.json", DOCUMENT)
    elif how in ("correction", "revert"):
        edit = edits.correct(Session.objects.all(), {"document": {"subject_id": "7", "weights": [0.25]}}, None)
        if how == "correction":
            take_back(edit)
        else:
            edits.revert(Session.objects.all(), "document", None)
    else:
        edit = edits.delete(Session.objects.all(), None)
        take_back(edit) if how == "deletion" else edits.restore(edit.changes.all(), Session, None)
    assert stored() == before
    unchanged(importing("subjects", subjects))


@pytest.mark.parametrize(
    "spelled",
    [
        DOCUMENT.replace(" ", ""),
        DOCUMENT.replace(", ", " ,\n\t").replace("Ä", "\\u00c4"),
        exact_json.text(dict(reversed(exact_json.loads(DOCUMENT).items()))),
        DOCUMENT.replace("1.00", "1").replace('"b": 1.0', '"b": 1').replace("1e-7", "0.0000001"),
    ],
)
def test_another_spelling_of_a_document_is_not_an_update(subjects, importing, write, spelled, whole):
    before = whole("sessions")
    write("all/s/subject.json", spelled)
    unchanged(importing("subjects", subjects, "--dry-run"))
    unchanged(importing("subjects", subjects))
    assert whole("sessions") == before


def filled(form):
    """Return the data that a browser posts for an unchanged form."""
    shown = {box.html_name: (box, box.value()) for box in form}
    values = {
        name: value if hasattr(box.field, "queryset") else box.field.widget.format_value(value)
        for name, (box, value) in shown.items()
    }
    return {name: "" if value is None else value for name, value in values.items()}


def test_saving_an_unchanged_form_changes_nothing(subjects, experiments, admin_client):
    for record in [*Session.objects.all(), *Subject.objects.all(), *UserExperiment.objects.all()]:
        address = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
        posted = filled(admin_client.get(address).context["adminform"].form)
        assert admin_client.post(address, posted).status_code == 302
    assert not Edit.objects.exists()
    address = reverse("admin:subjects_session_change", args=[Session.objects.get().pk])
    posted = filled(admin_client.get(address).context["adminform"].form)
    admin_client.post(address, posted | {"schema_version": "1.0"})
    assert Session.objects.get().corrections == {"schema_version": None}


def test_a_correction_without_an_effect_is_not_stored(subjects, experiments, whole):
    edits.correct(Subject.objects.all(), {"sex": "Male"}, None)
    edits.correct(Subject.objects.all(), {"species": "Mus musculus"}, None)
    edits.correct(Session.objects.all(), {"schema_version": "2.0"}, None)
    edits.correct(UserExperiment.objects.all(), {"experiment_run_time": 0.1 + 0.2, "compounds": [1, 2]}, None)
    before, changes = [whole(table) for table in ("subjects", "sessions", "user_experiments")], Change.objects.count()
    for records, new in [
        (Subject.objects.all(), {"sex": "Male"}),
        (Subject.objects.all(), {"sex": "Male", "species": "Mus musculus"}),
        (Subject.objects.all(), {"species": "Mus musculus", "sex": "Male"}),
        (Session.objects.all(), {"document": exact_json.loads(DOCUMENT)}),
        (Session.objects.all(), {"schema_version": "2.0", "document": exact_json.loads(DOCUMENT)}),
        (UserExperiment.objects.all(), {"compounds": [2, 1]}),
        (UserExperiment.objects.all(), {"experiment_run_time": 0.1 + 0.2}),
    ]:
        with pytest.raises(
            EditRefusedError, match=r"No changes: the records were deleted or already have this value\."
        ):
            edits.correct(records, new, None)
    assert Change.objects.count() == changes and Edit.objects.count() == 4
    if sqlite():  # PostgreSQL rewrites rows before it rolls the edit back
        assert before == [whole(table) for table in ("subjects", "sessions", "user_experiments")]


def test_a_document_equal_to_the_file_is_not_a_correction(subjects, importing, stored):
    edits.correct(Session.objects.all(), {"document": {"subject_id": "7"}}, None)
    edits.correct(Session.objects.all(), {"document": exact_json.loads(DOCUMENT)}, None)
    assert Session.objects.get().corrections is None
    unchanged(importing("subjects", subjects))


@pytest.mark.parametrize("model", [User, Person], ids=["with a key", "known by content"])
def test_undo_of_a_restore_deletes_the_record_again(bring, importing, model, admin_client):
    if model is User:
        dataset, folder = "experiments", bring("experiments", users=USERS)
    else:
        dataset, folder = "people", bring("people", places=PLACES, people=PEOPLE)
    record = model.objects.order_by("pk").first()
    edits.delete(model.objects.filter(pk=record.pk), None)
    standing = list(Change.objects.filter(is_tombstone=True))
    assert len(standing) == 1
    for _ in range(2):  # and again
        name = f"admin:{dataset}_{model._meta.model_name}"
        confirm(admin_client, reverse(f"{name}_restore", args=[record.pk]))
        assert model.objects.filter(pk=record.pk).exists() and not Change.objects.filter(is_tombstone=True)
        confirm(admin_client, reverse("admin:imports_edit_undo", args=[Edit.objects.first().pk]))
        assert not model.objects.filter(pk=record.pk).exists()
        assert list(Change.objects.filter(is_tombstone=True)) == standing
        report = importing(dataset, folder)
        assert not any(source["created"] for source in report["sources"])
        assert sum(source["kept"] for source in report["sources"]) == 1
        assert not model.objects.filter(pk=record.pk).exists()
        listed = admin_client.get(reverse(f"{name}_deleted")).context["rows"]
        assert [row["restorable"] for row in listed] == [True]
        assert admin_client.get(reverse(f"{name}_history", args=[record.pk])).context["restorable"]
    take_back(Edit.objects.filter(action="deleted").get())
    assert model.objects.filter(pk=record.pk).exists() and not Change.objects.filter(is_tombstone=True)


def test_a_created_record_is_not_restorable_after_the_undo_of_its_creation(experiments, admin_client):
    user = User.objects.create(user_id=5, name="Eve", email="e@example.org", signup_date="2020-01-01")
    take_back(edits.created(user, None))
    name = "admin:experiments_user"
    assert [row["restorable"] for row in admin_client.get(reverse(f"{name}_deleted")).context["rows"]] == [False]
    confirm(admin_client, reverse(f"{name}_restore", args=[5]))
    assert not User.objects.filter(pk=5).exists() and not Change.objects.filter(is_tombstone=True)


def test_undo_of_an_import_leaves_a_term_that_a_person_has_renamed(write, importing):
    line = "39, Privte, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    importing("census", write("adult.data", line))
    edit = edits.correct(Workclass.objects.all(), {"name": "Private"}, None)
    undo_run(last_run())
    assert Workclass.objects.get().name == "Private"
    undo_edit(edit)
    assert Workclass.objects.get().name == "Privte"
