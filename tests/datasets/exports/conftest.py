"""Records to export: odd texts, numbers, lists and documents, the same on both engines."""

from datetime import date

import pytest

ODD = ['a,b "c"', "", "line\nbreak\r", " é\t", "=1+1", "'=x", r"\.", "'", "€😀"]


@pytest.fixture
def people(transactional_db):
    """A person for each of the odd texts."""
    from people.models import Person, Place

    kelso = Place.objects.create(id=1, city="Kelso, Scotland", county="Roxburghshire", country="Scotland")
    Person.objects.bulk_create(
        Person(id=n, given_name=name, family_name="Mac", date_of_birth=date(1850, 1, n), place_of_birth=kelso)
        for n, name in enumerate(ODD, 1)
    )


@pytest.fixture
def experiments(transactional_db):
    """Two users; one ran an experiment with two compounds, and one with none."""
    from experiments.models import Compound, User, UserExperiment

    for n, email in enumerate(["alice@example.com", "@b@example.org"], 1):
        User.objects.create(user_id=n, name=f"U{n}", email=email, signup_date=date(2023, 5, n))
    compounds = [Compound.objects.create(compound_id=n, compound_name=f"C{n}", compound_structure="C") for n in (9, 10)]
    UserExperiment.objects.create(experiment_id=1, user_id=1, experiment_run_time=10.0).compounds.set(compounds)
    UserExperiment.objects.create(experiment_id=2, user_id=1, experiment_run_time=1.5e-7)


@pytest.fixture
def sessions(transactional_db):
    """A session whose document holds all that JSON has."""
    from subjects.models import Session, Subject

    subject = Subject.objects.create(subject_id="007", sex="Male")
    document = {"longer": [1, -0.0, 1.50, 1e22, None], "b": {"é": 'x"\\\n\x01'}, "a": True}
    Session.objects.create(id=1, name="s", subject=subject, document=document)


@pytest.fixture
def exported():
    """Export all records of a model; the bytes. Nobody in particular reads them, unless a user is named."""
    from datasets.exports import export

    def exported(model, columns, format, user=None, rows=None, **options) -> bytes:
        rows = model._default_manager.all() if rows is None else rows
        return b"".join(export(model, rows, columns, user, format, **options))

    return exported
