"""Edge cases of filters over HTTP."""

import pytest

from subjects.models import Session, Subject

pytestmark = pytest.mark.django_db


def test_references_with_text_keys_can_be_searched(client):
    for key in ["Mouse-1", "mouse-2", "Rat"]:
        Session.objects.create(name=f"of {key}", subject=Subject.objects.create(subject_id=key), document={})
    for query, count in [("subject_id__icontains=OUSE", 2), ("subject_id__istartswith=r", 1), ("subject_id=Rat", 1)]:
        answer = client.get(f"/api/subjects/sessions/?{query}")
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == count


def test_a_limit_beyond_all_numbers_finds_no_records(client):
    for count in ["estimated", "exact"]:
        answer = client.get(f"/api/census/education-levels/?id__lte=-17179869183&count={count}")
        assert (answer.status_code, answer.json()["count"]) == (200, 0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("education=Master", "There is no Master among the education levels. Did you mean Masters?"),
        ("education__in=Masters,bachelors", "There is no bachelors among the education levels. Did you mean Bach"),
        ("education=MASTERS", "Did you mean Masters?"),
        ("education=x", "There is no x among the education levels. Known terms: Bachelors, Masters."),
        ("age__in=1,,2", "Expected a value before and after each comma, found none."),
        ("education__in=Masters,", "Expected a value before and after each comma, found none."),
    ],
)
def test_an_unknown_term_is_reported(client, respondent, query, expected):
    for education in ("Bachelors", "Masters"):
        respondent(education=education).save()
    for address in ("", "summary/"):
        answer = client.get(f"/api/census/respondents/{address}?{query}")
        assert answer.status_code == 400
        [[message]] = answer.json()["errors"].values()
        assert expected in message


def test_a_label_is_looked_up_once(client, respondent, django_assert_num_queries):
    respondent(education="Masters").save()
    address = "/api/census/respondents/?education__in=Masters"
    assert [row["education"] for row in client.get(address).json()["results"]] == ["Masters"]
    with django_assert_num_queries(2):
        client.get(address)
