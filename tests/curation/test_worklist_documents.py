"""Rejected JSON documents on the worklist: changed as text, checked as in an import, and imported."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from imports.models import RejectedRow
from subjects.models import Session, Subject
from tests.curation.test_worklist import applied, text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]

ADDRESS = "/admin/imports/rejectedrow/worklist/subjects/"
DETAILS = {"sex": "neither", "date_of_birth": "2020-02-30", "weight": 1.5}
WRONG = {"subject_id": "1", "subject_details": DETAILS}
RIGHT = {"subject_id": "1", "subject_details": DETAILS | {"sex": "Male", "date_of_birth": "2020-02-28"}}


def documents(answer) -> dict[str, str]:
    """Return the texts of the documents on the page by the names of their inputs."""
    found = re.findall(r'<textarea name="(document-\d+)"[^>]*>(.*?)</textarea>', answer.text, re.DOTALL)
    return {name: unescape(document) for name, document in found}


@pytest.fixture
def rejected(write, importing):
    importing("subjects", write("a/subject.json", json.dumps(WRONG)).parent)


@pytest.mark.both_engines
def test_a_document_is_changed_checked_and_imported(curator, rejected, write, importing):
    page = curator.get(ADDRESS)
    ((name, document),) = documents(page).items()
    assert json.loads(document) == WRONG and "This row cannot be fixed here." not in page.text
    half = document.replace("neither", "Male")
    checked = curator.post(ADDRESS, {name: half, "_check": ""})
    assert "0 of 1 changed row would be accepted." in text(checked)
    assert 'Still wrong: date_of_birth "2020-02-30" is not a date' in text(checked)
    assert json.loads(documents(checked)[name]) == json.loads(half)
    checked = curator.post(ADDRESS, {name: half.replace("02-30", "02-28"), "_check": ""})
    assert "1 of 1 changed row would be accepted." in text(checked)
    run = applied(curator, curator.post(ADDRESS, {name: half.replace("02-30", "02-28"), "_import": ""}))
    assert set(run.files.values_list("source", "created", "rejected")) == {("subjects", 1, 0), ("sessions", 1, 0)}
    assert Subject.objects.values_list("sex", "date_of_birth__day").get() == ("Male", 28)
    assert (Session.objects.get().name, Session.objects.get().document) == ("a", RIGHT)
    assert "No rejected rows." in curator.get(ADDRESS).text
    again = importing("subjects", write("a/subject.json", json.dumps(WRONG)).parent)
    assert again.counts["subjects"] == {"read": 1, "fixed_before": 1}


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ('{"subject_id": "1", "sex": }', 'line 1, column 28: expected a value, found "}".'),
        ('{"subject_id": "1"}\n{"subject_id": "2"}', "contains 2 JSON objects: expected one"),
        ('{"subject_id": 1, "subject_id": 2}', "subject_id"),
        ("[1]", 'expected a JSON object ({…}), found "1]".'),
        ('{"sex": "Male"}', "contains no subject"),
        ('{"subject_id": "1", "sex": ["Male"]}', 'sex "["Male"]" is a list: expected one of Female or Male'),
        ('{"subject_id": "1", "sex": true}', 'sex "true" is not one of Female or Male'),
    ],
)
def test_errors_in_a_changed_document_are_named(curator, rejected, typed, problem):
    ((name, _),) = documents(curator.get(ADDRESS)).items()
    checked = curator.post(ADDRESS, {name: typed, "_import": ""})
    assert checked.status_code == 200 and "0 of 1 changed row would be accepted." in text(checked)
    assert problem in text(checked) and "/tmp" not in checked.text
    assert documents(checked)[name] == typed and not Subject.objects.exists()


@pytest.mark.both_engines
def test_documents_of_one_file_and_broken_ones_are_fixed_on_their_lines(curator, write, importing):
    lines = [{"subject_id": "1"}, {"subject_id": "2", "sex": "odd"}, {"subject_id": "3", "sex": "odd"}]
    importing("subjects", write("all.json", "\n".join([*map(json.dumps, lines), '{"subject_id": "4",, }']) + "\n"))
    importing("subjects", write("whole.json", '{"subject_id": "5"'))
    found = documents(curator.get(ADDRESS))
    rows = {row.pk: row for row in RejectedRow.objects.all()}
    typed = {name: text.replace("odd", "Male").replace(",,", "").replace('"5"', '"5"}') for name, text in found.items()}
    assert len(found) == len(rows) == 4
    assert '{"subject_id": "4",, }' in found.values()
    run = applied(curator, curator.post(ADDRESS, {**typed, "_import": ""}))
    assert sorted(Subject.objects.values_list("pk", "sex")) == [
        *(("1", None), ("2", "Male"), ("3", "Male"), ("4", None), ("5", None)),
    ]
    assert sorted(Session.objects.values_list("name", "changed_line")) == [
        *(("all", 1), ("all#2", 2), ("all#3", 3), ("all#4", 4), ("whole", 1)),
    ]
    assert run.files.filter(source="subjects").count() == 2


def test_long_documents_exported_rows_and_personal_data_are_not_shown_as_text(
    curator, client, rejected, write, importing, monkeypatch
):
    importing("subjects", write("b/subject.json", json.dumps(WRONG | {"notes": "x" * 20_000})).parent)
    importing("subjects", write("subjects.csv", "subject_id,sex,created_in_file\n9,odd,a\n"), "--allow-missing-columns")
    page = curator.get(ADDRESS)
    assert len(documents(page)) == 1 and page.text.count("This row cannot be fixed here.") == 2
    monkeypatch.setattr(Subject, "listing", replace(Subject.listing, personal={"sex": "experiments.view_email"}))
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_rejectedrow", "add_importrun"]))
    client.force_login(viewer)
    page = client.get(ADDRESS)
    assert page.status_code == 200 and not documents(page)
    answer = client.post(ADDRESS, {f"document-{RejectedRow.objects.first().pk}": "{}", "_check": ""})
    assert "Nothing was changed." in answer.text
