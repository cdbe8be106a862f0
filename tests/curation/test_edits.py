"""Each curator action is one Edit with a Change for each record, and corrections keep the file values."""

import pytest

from census.models import EducationLevel, Respondent
from curation.history import edits
from curation.history.edits import EditRefusedError
from experiments.models import Compound, User, UserExperiment
from imports.models import Change, Edit
from people.models import Person, Place
from subjects.models import Session, Subject

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n3,C,O\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;2,5\n2,1,3,6\n"


@pytest.fixture
def experiments(bring):
    return bring("experiments", users=USERS, compounds=COMPOUNDS, user_experiments=EXPERIMENTS)


def record_of(model, **narrowed):
    return model.objects.filter(**narrowed)


def test_several_fields_are_corrected_in_one_edit(experiments, admin_user):
    new = {"name": "Anne", "email": "anne@example.org", "signup_date": "2024-05-06"}
    edit = edits.correct(record_of(User, pk=1), new, admin_user)
    ann = User.objects.get(pk=1)
    assert (ann.name, ann.email, str(ann.signup_date)) == tuple(new.values())
    assert ann.corrections == {"name": "Ann", "email": "ann@example.org", "signup_date": "2023-01-01"}
    change = edit.changes.get()
    assert (edit.action, edit.user, change.kind, change.record) == ("corrected", admin_user, "updated", "1")
    assert change.before["name"] == "Ann" and change.after["name"] == "Anne"


def test_only_a_value_that_differs_from_the_file_is_a_correction(experiments):
    edits.correct(record_of(User, pk=1), {"name": "Anne", "email": "ann@example.org"}, None)
    assert User.objects.get(pk=1).corrections == {"name": "Ann"}
    edits.correct(record_of(User, pk=1), {"name": "Ann", "email": "a@example.org"}, None)
    assert User.objects.get(pk=1).corrections == {"email": "ann@example.org"}
    edits.correct(record_of(User, pk=1), {"email": "ann@example.org"}, None)
    assert User.objects.get(pk=1).corrections is None


def test_compounds_are_corrected_and_reverted_as_one_field(experiments, importing):
    edits.correct(record_of(UserExperiment, pk=1), {"compounds": [3, 2], "experiment_run_time": 7.5}, None)
    experiment = UserExperiment.objects.get(pk=1)
    assert sorted(experiment.compounds.values_list("pk", flat=True)) == [2, 3]
    assert experiment.corrections == {"compounds": [1, 2], "experiment_run_time": 5}
    assert importing("experiments", experiments).counts["user_experiments"] == {"read": 2, "unchanged": 2, "kept": 1}
    edits.revert(record_of(UserExperiment, pk=1), "compounds", None)
    experiment.refresh_from_db()
    assert sorted(experiment.compounds.values_list("pk", flat=True)) == [1, 2]
    assert experiment.corrections == {"experiment_run_time": 5}


def test_compounds_equal_to_the_file_are_not_a_correction(experiments):
    edits.correct(record_of(UserExperiment, pk=1), {"compounds": []}, None)
    assert UserExperiment.objects.get(pk=1).corrections == {"compounds": [1, 2]}
    edits.correct(record_of(UserExperiment, pk=1), {"compounds": Compound.objects.filter(pk__lt=3)}, None)
    assert UserExperiment.objects.get(pk=1).corrections is None


def test_unchanged_records_are_not_in_the_edit(experiments):
    edit = edits.correct(User.objects.all(), {"name": "Ann"}, None)
    assert [change.record for change in edit.changes.all()] == ["2"]


def test_an_edit_that_changes_nothing_is_refused_and_not_stored(experiments):
    with pytest.raises(EditRefusedError, match=r"No changes: the records were deleted or already have this value\."):
        edits.correct(record_of(User, pk=1), {"name": "Ann", "email": "ann@example.org"}, None)
    with pytest.raises(EditRefusedError, match=r"No changes: the records were deleted or already have this value\."):
        edits.delete(record_of(User, pk=99), None)
    assert not Edit.objects.exists() and not Change.objects.exists()


@pytest.mark.parametrize(("model", "name"), [(User, "user_id"), (Place, "city"), (Session, "name"), (Person, "id")])
def test_key_fields_are_not_corrected(transactional_db, model, name):
    with pytest.raises(EditRefusedError, match="is a key or read-only field and cannot be edited"):
        edits.correct(model.objects.all(), {name: "1"}, None)


def test_missing_values_and_documents_are_stored_as_file_values(write, importing):
    document = '{"subject_id": "7", "schema_version": "1.0", "species": "Mus", "note": "Ä"}'
    write("s/subject.json", document)
    importing("subjects", write("s/subject.json", document).parent.parent)
    edits.correct(Subject.objects.all(), {"sex": "Male", "species": None}, None)
    assert Subject.objects.get().corrections == {"sex": None, "species": "Mus"}
    edits.correct(Session.objects.all(), {"document": {"subject_id": "7", "deep": [1, {"a": None}]}}, None)
    session = Session.objects.get()
    assert session.document == {"subject_id": "7", "deep": [1, {"a": None}]}
    assert session.corrections["document"]["note"] == "Ä"
    edits.revert(Session.objects.all(), "document", None)
    edits.revert(Subject.objects.all(), "sex", None)
    assert Session.objects.get().document["note"] == "Ä" and Session.objects.get().corrections is None
    assert Subject.objects.get().sex is None and Subject.objects.get().corrections == {"species": "Mus"}


def test_booleans_and_references_are_reverted(write, importing):
    line = "39, Private, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    importing("census", write("adult.data", line))
    level = EducationLevel.objects.create(name="Masters", years=14)
    bachelors = EducationLevel.objects.get(years=13)
    new = {"income_over_50k": True, "education": level, "native_country": None}
    edits.correct(Respondent.objects.all(), new, None)
    respondent = Respondent.objects.get()
    assert respondent.corrections["income_over_50k"] is False
    assert respondent.corrections["education_id"] == bachelors.pk
    edits.revert(Respondent.objects.all(), "income_over_50k", None)
    assert Respondent.objects.get().income_over_50k is False
    edits.delete(EducationLevel.objects.filter(pk=bachelors.pk), None)
    with pytest.raises(EditRefusedError, match="education level"):
        edits.revert(Respondent.objects.all(), "education", None)
    assert Respondent.objects.get().education == level


def test_a_restore_needs_the_free_key_and_the_referenced_records(experiments):
    edits.delete(UserExperiment.objects.all(), None)
    edits.delete(record_of(User, pk=1), None)
    with pytest.raises(EditRefusedError, match="user 1"):
        edits.restore(Change.objects.filter(table="user_experiments", record="1"), UserExperiment, None)
    User.objects.create(user_id=1, name="Other", email="o@example.org", signup_date="2020-01-01")
    with pytest.raises(EditRefusedError, match=r"Existing records have the same key: 1 user \(1\)"):
        edits.restore(Change.objects.filter(table="users"), User, None)
    edits.restore(Change.objects.filter(table="user_experiments", record="1"), UserExperiment, None)
    assert sorted(UserExperiment.objects.get().compounds.values_list("pk", flat=True)) == [1, 2]


def test_a_value_of_a_vocabulary_is_changed_deleted_and_restored(transactional_db):
    level = EducationLevel.objects.create(name="Masters", years=14)
    edits.correct(EducationLevel.objects.all(), {"name": "Master"}, None)
    edits.delete(EducationLevel.objects.all(), None)
    edits.restore(Change.objects.filter(kind="deleted"), EducationLevel, None)
    assert EducationLevel.objects.values_list("pk", "name").get() == (level.pk, "Master")
    assert [change.kind for change in Change.objects.all()] == ["updated", "deleted", "created"]
