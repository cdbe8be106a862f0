"""Admin pages of subjects and sessions."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import matviews
from subjects.models import Session, Subject

pytestmark = pytest.mark.django_db


def add_sessions(numbers):
    for number in numbers:
        subject = Subject.objects.create(subject_id=str(number), sex="Male", date_of_birth=date(2022, 1, 1))
        Session.objects.create(name=f"session {number}", subject=subject, document={"notes": "long"})


@pytest.mark.only_on("sqlite")
def test_the_list_takes_as_many_queries_for_200_sessions_as_for_10(admin_client):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/subjects/session/?all=").status_code == 200
        return len(captured)

    add_sessions(range(10))
    of_ten = queries()
    add_sessions(range(10, 200))
    assert queries() == of_ten


def test_subjects_are_searched_and_filtered_by_date_of_birth(admin_client):
    add_sessions([1, 2])
    Subject.objects.create(subject_id="3", genotype="wt/wt")
    for query, count in [
        ({"q": "wt"}, ["3"]),
        ({"date_of_birth__gte": "2022-01-01", "date_of_birth__lte": ""}, ["1", "2"]),
        ({"sex": "Male"}, ["1", "2"]),
    ]:
        page = admin_client.get("/admin/subjects/subject/", query)
        assert [subject.pk for subject in page.context["cl"].result_list] == count


def test_a_blank_field_is_stored_as_null(admin_client):
    blank = {"subject_id": "9", "species": "", "sex": "", "genotype": "", "background_strain": "", "date_of_birth": ""}
    assert admin_client.post("/admin/subjects/subject/add/", blank).status_code == 302
    nine = Subject.objects.get()
    assert (nine.species, nine.sex, nine.genotype, nine.background_strain) == (None, None, None, None)


@pytest.mark.only_on("sqlite")
def test_a_session_is_shown_with_its_document(admin_client):
    add_sessions([1])
    assert "long" in admin_client.get(f"/admin/subjects/session/{Session.objects.get().pk}/change/").text


def test_subjects_by_birth_year_are_shown(admin_client):
    add_sessions([1, 2])
    matviews.refresh("subjects")
    page = admin_client.get("/admin/subjects/subjectsbybirthyear/", {"q": "2022"})
    assert [(row.year, row.sex, row.subjects) for row in page.context["cl"].result_list] == [(2022, "Male", 2)]
