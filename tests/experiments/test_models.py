"""Constraints of users, compounds and experiments."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from datasets import matviews
from experiments.models import Compound, User, UserExperiment, UserExperimentCompound, UserFeatures

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def users_and_compounds():
    for user_id, name in [(1, "Alice"), (2, "Bob"), (3, "Cem")]:
        User.objects.create(user_id=user_id, name=name, email=f"{name}@example.com", signup_date=date(2023, 1, 1))
    for compound_id in (2, 3, 10):
        Compound.objects.create(compound_id=compound_id, compound_name=f"C{compound_id}", compound_structure="CO")


def experiment(experiment_id, user_id, run_time, *compounds):
    made = UserExperiment.objects.create(experiment_id=experiment_id, user_id=user_id, experiment_run_time=run_time)
    made.compounds.set(compounds)
    return made


def test_the_average_of_experiments_counts_users_without_any():
    experiment(1, 1, 10)
    experiment(2, 1, 15)
    assert User.objects.mean_experiments() == pytest.approx(2 / 3)
    assert User.objects.filter(pk=1).mean_experiments() == 2
    assert User.objects.none().mean_experiments() is None


def test_features_name_all_compounds_that_tie_with_the_lowest_id_first():
    experiment(1, 1, 10, 10, 2)
    experiment(2, 1, 15, 3, 2)
    experiment(3, 2, 7.5, 10, 3, 2)
    matviews.refresh("experiments")
    features = UserFeatures.objects.order_by("user_id")
    assert list(features.values_list()) == [(1, 2, 12.5, "2"), (2, 1, 7.5, "2;3;10"), (3, 0, None, None)]


def test_an_experiment_without_compounds_has_no_most_common_compound():
    experiment(1, 1, 10)
    matviews.refresh("experiments")
    assert UserFeatures.objects.filter(user=1).values_list().get() == (1, 1, 10, None)


def test_an_experiment_lists_a_compound_once():
    made = experiment(1, 1, 10, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        UserExperimentCompound.objects.create(experiment=made, compound_id=2)


def test_a_run_time_is_not_negative():
    with pytest.raises(IntegrityError, match="user_experiments_experiment_run_time_not_negative"), transaction.atomic():
        experiment(1, 1, -1)


def test_users_and_compounds_of_an_experiment_cannot_be_deleted():
    made = experiment(1, 1, 10, 2)
    with pytest.raises(ProtectedError):
        made.user.delete()
    with pytest.raises(ProtectedError):
        Compound.objects.get(pk=2).delete()
    made.delete()
    assert not UserExperimentCompound.objects.exists()
    User.objects.get(pk=1).delete()
