"""Undo after any sequence of imports and edits restores the previous state."""

import tempfile
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.history import edits
from curation.history.undo import undo_edit, undo_run
from experiments.models import User, UserExperiment
from imports.models import Change, Edit, ImportRun
from people.models import Person

pytestmark = pytest.mark.django_db

NAMES = st.sampled_from(["Ann", "Bo", "Cy"])
KEYS = st.integers(1, 4)
USERS = st.dictionaries(KEYS, NAMES, min_size=1)
EXPERIMENTS = st.dictionaries(KEYS, st.tuples(KEYS, st.sets(st.integers(1, 3), min_size=1)))
PEOPLE = st.lists(st.tuples(NAMES, st.sampled_from(["Ayr", "Wick"])), min_size=1, max_size=5)
STEPS = st.one_of(
    st.tuples(st.just("experiments"), USERS, EXPERIMENTS, st.booleans()),
    st.tuples(st.just("people"), PEOPLE, st.booleans()),
    st.tuples(st.just("rename"), st.sampled_from([User, Person]), st.integers(0, 3), NAMES),
    st.tuples(st.just("use"), st.integers(0, 3), st.sets(st.integers(1, 3), min_size=1)),
    st.tuples(st.just("delete"), st.sampled_from([User, UserExperiment, Person]), st.integers(0, 3)),
)


def tables() -> dict[str, list]:
    """Return every row of the two datasets, without the surrogate keys of many-to-many tables."""
    stored_rows = {}
    for dataset in ("experiments", "people"):
        for model in apps.get_app_config(dataset).get_models():
            if model._meta.managed:
                rows = list(model._default_manager.values())
                if model._meta.db_table == "user_experiment_compounds":
                    rows = [{name: value for name, value in row.items() if name != "id"} for row in rows]
                stored_rows[model._meta.db_table] = sorted(rows, key=repr)
    return stored_rows


def bring(folder: Path, step: tuple) -> ImportRun:
    dataset, *content, remove = step
    if dataset == "experiments":
        users, experiments = content
        lines = [f"{key},{name},{name}@example.org,2023-01-01" for key, name in users.items()]
        (folder / "users.csv").write_text("user_id,name,email,signup_date\n" + "\n".join(lines))
        compounds = "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n3,C,O"
        (folder / "compounds.csv").write_text(compounds)
        lines = [f"{key},{user},{';'.join(map(str, ids))},5" for key, (user, ids) in experiments.items()]
        (folder / "user_experiments.csv").write_text(
            "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n" + "\n".join(lines)
        )
    else:
        (folder / "places.csv").write_text("city,county,country\nAyr,Ayrshire,Scotland\nWick,Caithness,Scotland")
        lines = [f"{name},Bain,1900-01-01,{place}" for name, place in content[0]]
        header = "given_name,family_name,date_of_birth,place_of_birth"
        (folder / "people.csv").write_text("\n".join([header, *lines]))
    call_command(f"import_{dataset}", str(folder), delete_missing=remove, verbosity=0)
    return ImportRun.objects.filter(dataset=dataset).first()


def do(folder: Path, step: tuple) -> ImportRun | Edit | None:
    """Do one step; return its run or edit, or None if nothing changed or the step was refused."""
    match step:
        case ("experiments" | "people", *_):
            return bring(folder, step)
        case ("rename", model, place, name):
            field, what = ("name" if model is User else "given_name"), {}
            records, what[field] = model.objects.order_by("pk")[place : place + 1], name
        case ("use", place, compounds):
            records, what = UserExperiment.objects.order_by("pk")[place : place + 1], {"compounds": sorted(compounds)}
        case ("delete", model, place):
            records, what = model.objects.order_by("pk")[place : place + 1], None
    chosen = type(records[0])._default_manager.filter(pk=records[0].pk) if records else None
    try:
        if chosen is None:
            return None
        return edits.delete(chosen, None) if what is None else edits.correct(chosen, what, None)
    except edits.EditRefusedError:
        return None


@settings(max_examples=8, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=7))
def test_repeated_undo_restores_every_earlier_state(steps):
    with tempfile.TemporaryDirectory() as folder, transaction.atomic():
        states, done = [tables()], []
        for step in steps:
            if (what := do(Path(folder), step)) is not None:
                done.append(what)
                states.append(tables())
        for what in reversed(done):
            assert tables() == states.pop()
            if isinstance(what, ImportRun):
                undo_run(what)
            else:
                undo_edit(what)
        assert tables() == states.pop()
        assert not Change.objects.filter(is_tombstone=True).exists()
        transaction.set_rollback(True)
