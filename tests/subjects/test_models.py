"""Constraints of subjects and sessions."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from datasets import matviews
from subjects.models import Session, Subject, SubjectsByBirthYear

pytestmark = pytest.mark.django_db


def test_subjects_are_counted_by_birth_year_and_sex_where_both_are_known():
    for subject_id, sex, born in [
        ("1", "Male", date(2022, 1, 1)),
        ("2", "Female", date(2022, 12, 31)),
        ("3", "Female", date(2022, 6, 1)),
        ("4", "Male", date(2018, 12, 1)),
        ("5", None, date(2018, 12, 1)),
        ("6", "Male", None),
    ]:
        Subject.objects.create(subject_id=subject_id, sex=sex, date_of_birth=born)
    matviews.refresh("subjects")
    assert set(SubjectsByBirthYear.objects.values_list()) == {
        ("2018-Male", 2018, "Male", 1),
        ("2022-Female", 2022, "Female", 2),
        ("2022-Male", 2022, "Male", 1),
    }
    assert {subject.pk for subject in Subject.objects.born_in(2018)} == {"4", "5"}


@pytest.mark.parametrize("field", ["subject_id", "species", "background_strain", "genotype"])
def test_unknown_values_are_not_empty_texts(field):
    values = {"subject_id": "1", field: ""}
    with pytest.raises(IntegrityError, match=f"subjects_{field}_not_empty"), transaction.atomic():
        Subject.objects.create(**values)


def test_a_sex_is_female_or_male():
    with pytest.raises(IntegrityError, match="subjects_sex_known"), transaction.atomic():
        Subject.objects.create(subject_id="1", sex="Unknown")


def test_a_subject_with_sessions_cannot_be_deleted():
    subject = Subject.objects.create(subject_id="1")
    Session.objects.create(name="1_2023-07-07_17-52-04", subject=subject, document={"subject_id": "1"})
    with pytest.raises(ProtectedError):
        subject.delete()


def test_the_name_of_a_session_is_unique():
    subject = Subject.objects.create(subject_id="1")
    Session.objects.create(name="1_2023-07-07_17-52-04", subject=subject, document={})
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.create(name="1_2023-07-07_17-52-04", subject=subject, document={})
