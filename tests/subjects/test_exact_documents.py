"""Numbers in documents stay exact in every format; the import rejects numbers that no reader supports."""

import io
import json
from decimal import Decimal

import openpyxl
import pyarrow.parquet
import pytest
from django.db import connection

from curation.history import edits
from curation.history.undo import undo_run
from imports.models import ImportRun
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

NAME = "ecephys_615310_2023-01-26_10-45-12"
NUMBERS = ["0.1234567890123456789", "123456789012345678901234567890", "-18446744073709551616", "1E5", "1e-400",
           "-1.5e400", "0.30000000000000004", "1.0", "9007199254740993.0", "0." + "7" * 64, "1" + "0" * 90]  # fmt: skip
DOCUMENT = f'{{"subject_id": "615310", "deep": {"[" * 63}{"]" * 63}, "numbers": [{", ".join(NUMBERS)}]}}'
SESSIONS = "/api/subjects/sessions/"
UNCHANGED = {"subjects": {"read": 1, "unchanged": 1}, "sessions": {"read": 1, "unchanged": 1}}


def numbers(document) -> list[Decimal]:
    """The numbers of a document, given as text or parsed."""
    if not isinstance(document, dict):
        document = json.loads(document, parse_float=Decimal, parse_int=Decimal)
    return [Decimal(repr(n) if isinstance(n, float) else n) for n in document["numbers"]]


EXACT = [Decimal(number) for number in NUMBERS]


@pytest.fixture
def session(folder):
    imported("import_subjects", folder(NAME, DOCUMENT))
    return Session.objects.get()


def test_numbers_are_stored_exactly_and_unchanged_on_repetition(folder, session):
    assert numbers(session.document) == EXACT
    assert imported("import_subjects", folder(NAME, DOCUMENT)).counts == UNCHANGED
    # Other spellings of the same numbers, and another order of names.
    value = json.loads(DOCUMENT, parse_float=Decimal, parse_int=Decimal)
    spelled = ", ".join(f"{number:f}" for number in value["numbers"])
    again = f'{{"numbers":[{spelled}],"deep":{json.dumps(value["deep"])}, "subject_id":"615310"}}'
    assert imported("import_subjects", folder(NAME, again)).counts == UNCHANGED


def test_a_change_of_the_last_digit_is_in_the_history_and_can_be_undone(folder, session, admin_client):
    other = DOCUMENT.replace(NUMBERS[0], NUMBERS[0][:-1] + "8").replace(NUMBERS[1], NUMBERS[1][:-1] + "1")
    preview = imported("import_subjects", folder(NAME, other), dry_run=True)
    assert preview.counts["sessions"] == {"read": 1, "updated": 1}
    page = admin_client.get(f"/admin/imports/importrun/{ImportRun.objects.first().pk}/change/").text
    assert NUMBERS[0] in page and NUMBERS[0][:-1] + "8" in page
    imported("import_subjects", folder(NAME, other))
    page = admin_client.get(f"/admin/subjects/session/{session.pk}/history/").text
    assert NUMBERS[1] in page and NUMBERS[1][:-1] + "1" in page
    undo_run(ImportRun.objects.first())
    assert numbers(Session.objects.get().document) == EXACT
    assert imported("import_subjects", folder(NAME, DOCUMENT)).counts == UNCHANGED


def test_a_deleted_and_a_corrected_document_are_restored_exactly(folder, session, admin_user):
    sessions = Session.objects.all()
    edit = edits.delete(sessions, admin_user)
    edits.restore(edit.changes.all(), Session, admin_user)
    assert numbers(sessions.get().document) == EXACT
    edits.correct(sessions, {"document": {"numbers": [Decimal("0.5")]}}, admin_user)
    edits.revert(sessions, "document", admin_user)
    assert numbers(sessions.get().document) == EXACT
    assert imported("import_subjects", folder(NAME, DOCUMENT)).counts == UNCHANGED


def test_every_format_writes_the_exact_numbers(session, client):
    [row] = json.loads(client.get(SESSIONS).content, parse_float=Decimal, parse_int=Decimal)["results"]
    document = json.loads(client.get(f"{SESSIONS}{session.pk}/").content, parse_float=Decimal, parse_int=Decimal)
    assert numbers(row["document"]) == numbers(document["document"]) == EXACT

    def streamed(file_format):
        return client.get(SESSIONS, {"format": file_format, "fields": "document"}).getvalue()

    [line] = streamed("ndjson").splitlines()
    assert numbers(json.loads(line, parse_float=Decimal, parse_int=Decimal)["document"]) == EXACT
    cell = streamed("csv").decode().splitlines()[1]
    assert numbers(cell[1:-1].replace('""', '"')) == EXACT
    [cell] = pyarrow.parquet.read_table(io.BytesIO(streamed("parquet"))).column("document").to_pylist()
    assert numbers(cell) == EXACT
    sheet = openpyxl.load_workbook(io.BytesIO(streamed("xlsx"))).active
    assert numbers(sheet["A2"].value) == EXACT


def test_pages_for_people_show_the_exact_numbers(session, client, admin_client):
    assert NUMBERS[0] in client.get(SESSIONS, headers={"accept": "text/html"}).text
    assert NUMBERS[0] in admin_client.get(f"/admin/subjects/session/{session.pk}/change/").text
    Session.objects.update(document={"n": Decimal(NUMBERS[0])})
    assert NUMBERS[0] in admin_client.get("/explore/subjects/sessions/?columns=document").text


def deep(levels):
    return f'{{"subject_id": "615310", "deep": {"[" * (levels - 1)}{"]" * (levels - 1)}}}'


LEVELS = "at most 64 levels of nested objects and arrays"
BOUNDS = "a number with an exponent from -400 to 400"


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (deep(65), LEVELS),
        (deep(252), LEVELS),
        (deep(980), LEVELS),
        (deep(50_000), LEVELS),
        *((f'{{"subject_id": "1", "n": {n}}}', "a JSON number") for n in ("NaN", "Infinity", "-Infinity")),
        *((f'{{"subject_id": "1", "n": [{n}]}}', BOUNDS) for n in ("1e999", "-1E-401", "1e401", "1e" + "9" * 5000)),
        (f'{{"subject_id": "1", "n": {"7" * 65}}}', "at most 64 significant digits"),
        (f'{{"subject_id": "1", "n": {"7" * 5000}}}', "at most 64 significant digits"),
        ('{"subject_id": "1", "n": 1, "n": 2}', "each name once in an object"),
        ('{"subject_id": "1", "n": "\\ud800"}', "unpaired surrogates"),
        ('{"subject_id": "1", "\\u0000": 1}', "without NUL characters"),
    ],
)
def test_a_number_that_no_reader_supports_is_rejected_and_the_rest_imported(folder, bad, words, client):
    folder("bad_1_2023-01-01_00-00-00", bad)
    report = imported("import_subjects", folder(NAME, DOCUMENT).parent)
    assert report.rejected == [("bad_1_2023-01-01_00-00-00", 1, None)]
    [problem] = report["rejections"][0]["problems"]
    assert "bad_1_2023-01-01_00-00-00, line 1, column" in problem["message"] and words in problem["message"]
    assert Session.objects.count() == Subject.objects.count() == 1
    assert client.get(SESSIONS).status_code == 200
    answer = client.get(SESSIONS, {"format": "ndjson"})
    assert len(answer.getvalue().splitlines()) == 1


@pytest.mark.parametrize("levels", [65, 252, 500, 980])
def test_every_format_writes_deep_documents(client, admin_client, levels):
    """Deep documents exist from before the limit, or were written with psql."""
    number = "9" * 100
    text = f'{{"deep": {"[" * (levels - 1)}{number}{"]" * (levels - 1)}}}'
    Session.objects.create(name="s", subject=Subject.objects.create(subject_id="1"), document={})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sessions SET document = %s", [text])
    session = Session.objects.get()
    for address in (SESSIONS, f"{SESSIONS}{session.pk}/"):
        answer = client.get(address)
        assert answer.status_code == 200 and text.replace(" ", "") in answer.text.replace(" ", "")
        assert client.get(address, headers={"accept": "text/html"}).status_code == 200
    for file_format in ("csv", "ndjson", "parquet", "xlsx"):
        answer = client.get(SESSIONS, {"format": file_format})
        assert answer.status_code == 200 and len(b"".join(answer.streaming_content)) > 100
    for page in (f"/admin/subjects/session/{session.pk}/change/", f"/admin/subjects/session/{session.pk}/history/",
                 "/admin/subjects/session/", "/explore/subjects/sessions/?columns=name,document"):  # fmt: skip
        assert admin_client.get(page).status_code == 200, page
    edits.correct(Session.objects.all(), {"schema_version": "2"}, None)
    assert admin_client.get(f"/admin/subjects/session/{session.pk}/history/").status_code == 200


def test_a_document_typed_in_the_admin_has_the_same_limits_and_stays_exact(session, admin_client):
    address = f"/admin/subjects/session/{session.pk}/change/"
    form = admin_client.get(address).context["adminform"].form
    fields = {name: form[name].value() or "" for name in form.fields}
    for bad, words in ((deep(65), LEVELS), ('{"n": NaN}', "a JSON number"), ('{"n": 1e999}', BOUNDS)):
        answer = admin_client.post(address, fields | {"document": bad})
        assert answer.status_code == 200 and words in str(answer.context["adminform"].form.errors["document"])
    assert numbers(Session.objects.get().document) == EXACT
    changed = f'{{"numbers": [{NUMBERS[0]}, {NUMBERS[1]}]}}'
    assert admin_client.post(address, fields | {"document": changed}).status_code == 302
    assert numbers(Session.objects.get().document) == EXACT[:2]


def test_a_rejected_document_is_downloaded_with_its_exact_numbers(folder, admin_client):
    text = DOCUMENT.replace('"subject_id"', '"sex": "F", "subject_id"')
    imported("import_subjects", folder(NAME, text))
    [file] = ImportRun.objects.first().files.filter(rejected=1)
    answer = admin_client.get(f"/admin/imports/importrun/file/{file.pk}/rejected/")
    assert numbers(answer.getvalue()) == EXACT
