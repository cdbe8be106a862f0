"""The filters of a list, derived from the model's fields."""

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict

from census.models import Respondent
from datasets.records.filters import record_filterset
from experiments.models import Compound, User, UserExperiment
from people.models import Person, Place
from subjects.models import Session

pytestmark = pytest.mark.django_db


def matches(model, query):
    filterset = record_filterset(model)(QueryDict(query), model.objects.order_by("pk"), AnonymousUser())
    assert filterset.is_valid(), filterset.errors
    return [str(record) for record in filterset.qs]


def test_the_parameters_follow_from_the_fields():
    parameters = set(record_filterset(Respondent).base_filters)
    assert {"age", "age__in", "age__gte", "age__lte"} <= parameters
    assert {"education", "education__in", "education__icontains", "education_id", "education_years__gte"} <= parameters
    assert {"workclass__isnull", "created_in_run", "changed_line__isnull"} <= parameters
    assert not {"age__icontains", "age__isnull", "education__isnull", "sex__icontains", "identity"} & parameters


def test_documents_have_no_filter():
    assert not [name for name in record_filterset(Session).base_filters if name.startswith("document")]


def test_lists_are_filtered_by_dates_texts_and_references():
    kelso = Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    for name, born in [("Ann", date(1900, 1, 1)), ("Bob", date(1950, 1, 1)), ("Cat", date(1980, 1, 1))]:
        Person.objects.create(given_name=name, family_name="Mac", date_of_birth=born, place_of_birth=kelso)
    assert matches(Person, "date_of_birth__gte=1950-01-01&date_of_birth__lte=1979-12-31") == ["Bob Mac"]
    assert matches(Person, "given_name__icontains=A") == ["Ann Mac", "Cat Mac"]
    assert matches(Person, "given_name__in=Ann,Bob&place_of_birth=Kelso") == ["Ann Mac", "Bob Mac"]
    assert matches(Person, "country_of_birth=Wales") == []


def test_a_record_that_has_several_of_the_ids_is_found_once():
    User.objects.create(user_id=1, name="Alice", email="a@example.com", signup_date=date(2023, 1, 1))
    made = UserExperiment.objects.create(experiment_id=5, user_id=1, experiment_run_time=1)
    for compound_id in (1, 2):
        made.compounds.add(Compound.objects.create(compound_id=compound_id, compound_name="C", compound_structure="C"))
    assert matches(UserExperiment, "compounds__in=1,2,3") == ["experiment 5"]
    assert matches(UserExperiment, "compounds=2") == ["experiment 5"]
    assert matches(UserExperiment, "compounds=3") == []
