"""What filters find at their edges, over HTTP."""

import pytest

from subjects.models import Session, Subject

pytestmark = pytest.mark.django_db


def test_text_keys_of_references_are_looked_into(client):
    for key in ["Mouse-1", "mouse-2", "Rat"]:
        Session.objects.create(name=f"of {key}", subject=Subject.objects.create(subject_id=key), document={})
    for query, found in [("subject_id__icontains=OUSE", 2), ("subject_id__istartswith=r", 1), ("subject_id=Rat", 1)]:
        answer = client.get(f"/api/subjects/sessions/?{query}")
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == found


def test_a_bound_that_no_number_reaches_finds_none_and_is_counted(client):
    for count in ["estimated", "exact"]:
        answer = client.get(f"/api/census/education-levels/?id__lte=-17179869183&count={count}")
        assert (answer.status_code, answer.json()["count"]) == (200, 0)
