"""Documents in a session's forms follow the rules of imports, and invalid ones are shown again."""

import json

import pytest
from django.utils.html import escape

from imports.models import Edit
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]

# A typed document and the form's message; an import reports the same for a document in a file.
BROKEN = {
    "half a surrogate pair": ('{"a":"\\ud800"}', "expected a string without unpaired surrogates"),
    "half a pair in a name": ('{"\\udfff": 1}', "expected a string without unpaired surrogates"),
    "half a pair in an array": ('{"a": ["\\udc00x"]}', "expected a string without unpaired surrogates"),
    "a NUL character": ('{"a": "\\u0000"}', "expected a string without NUL characters"),
    "NaN": ('{"a": NaN}', "expected a JSON number"),
    "an exponent of 401": ('{"a": 1e401}', "expected a number with an exponent from -400 to 400"),
    "65 digits": ('{"a": ' + "7" * 65 + "}", "expected a number of at most 64 significant digits"),
    "5000 digits": ('{"a": ' + "7" * 5000 + "}", "expected a number of at most 64 significant digits"),
    "65 levels": ('{"a":' * 65 + "1" + "}" * 65, "expected at most 64 levels of nested objects and arrays"),
    "levels without an end": ('{"a":' * 50_000, "expected at most 64 levels of nested objects and arrays"),
    "a name twice": ('{"a": 1, "a": 2}', "expected each name once in an object"),
}
NO_JSON = {
    "cut off": '{"a":',
    "a raw NUL character": '{"a": "\0"}',
    "two objects": '{"a": 1} {"b": 2}',
    "a word": "mouse",
}
NO_OBJECT = {"[1]": "an array", "3": "a number", "1.5": "a number", '"text"': "a string", "true": "true or false"}


@pytest.fixture
def session():
    return Session.objects.create(name="one", subject=Subject.objects.create(subject_id="1"), document={"x": 1})


@pytest.fixture(params=["change", "add", "bulk"])
def typed(request, admin_client, session):
    """A function that submits a document in one of the forms and returns the page."""

    def typed(text):
        if request.param == "bulk":
            body = {"_selected_action": [session.pk], "field": "document", "value": text}
            return admin_client.post("/admin/subjects/session/bulk/", body)
        address = "add" if request.param == "add" else f"{session.pk}/change"
        return admin_client.post(
            f"/admin/subjects/session/{address}/", {"name": "two", "subject": "1", "document": text}
        )

    return typed


def assert_shown_again(page, text, *sentences):
    assert page.status_code == 200
    for sentence in sentences:
        assert escape(sentence) in page.text
    assert f">\n{escape(text)}</textarea>" in page.text
    assert list(Session.objects.values_list("name", "document")) == [("one", {"x": 1})]


@pytest.mark.parametrize("case", BROKEN)
def test_a_document_that_an_import_rejects_is_an_error_of_the_form_and_shown_again_as_typed(typed, case):
    text, sentence = BROKEN[case]
    assert_shown_again(typed(text), text, sentence)


@pytest.mark.parametrize("case", BROKEN)
def test_forms_and_imports_have_the_same_messages(folder, case):
    text, sentence = BROKEN[case]
    report = imported("import_subjects", folder("rat", text))
    assert sentence in report["rejections"][0]["problems"][0]["message"]


@pytest.mark.parametrize("case", NO_JSON)
def test_invalid_json_is_a_form_error_and_shown_again_as_typed(typed, case):
    assert_shown_again(typed(NO_JSON[case]), NO_JSON[case], "This is not a JSON document")


@pytest.mark.parametrize("text", NO_OBJECT)
def test_a_document_that_is_not_an_object_is_rejected_by_every_form(typed, text):
    assert_shown_again(typed(text), text, f"Expected a JSON object ({{…}}), found {NO_OBJECT[text]}.")


@pytest.mark.parametrize("text", ["[]", "{}", "null", '""', ""])
def test_an_empty_document_is_rejected_by_every_form(typed, text):
    assert_shown_again(typed(text), text, "This field is required.")


@pytest.mark.parametrize("text", ["[1]", "3"])
def test_a_document_that_is_no_object_is_rejected_in_an_exported_table_too(tmp_path, admin_client, session, text):
    exported = admin_client.get("/api/subjects/sessions/", {"format": "csv"}).getvalue().decode()
    cell = '"{""x"": 1}"'
    assert cell in exported
    (tmp_path / "sessions.csv").write_text(exported.replace(cell, f'"{text}"'), newline="")
    report = imported("import_subjects", tmp_path / "sessions.csv")
    assert report.rejected == [("sessions.csv", 2, "document")]
    assert "expected a JSON object" in json.dumps(report["rejections"][0]["problems"], ensure_ascii=False)


@pytest.mark.both_engines
def test_a_typed_document_keeps_its_exact_numbers(typed):
    text = '{"n": 0.1234567890123456789, "e": 1e400, "big": 123456789012345678901234567890}'
    page = typed(text)
    if page.status_code == 200:  # the preview of a bulk edit shows the typed value
        assert escape(text) in page.text and not Edit.objects.exists()
    else:
        stored = Session.objects.latest("pk").document
        assert str(stored["n"]) == "0.1234567890123456789" and stored["big"] == 123456789012345678901234567890
