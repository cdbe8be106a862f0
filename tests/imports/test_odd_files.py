"""Concatenated files, files saved by a spreadsheet, and words for missing values."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.imports.engine.test_absent_columns import CENSUS, census

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
REPEATED = "This line repeats the header"
MARK = "\ufeff"
ROW = ",".join(CENSUS.values()) + "\n"


def message(report) -> str:
    (rejection,) = report["rejections"]
    (problem,) = rejection["problems"]
    assert problem["column"] is None
    return problem["message"]


@pytest.mark.parametrize(
    "heading",
    [
        "city,county,country",
        MARK + "city,county,country",
        f'{MARK}"city","county","country"',
        '"City" , "County", "COUNTRY"',
        "city\u200b,\u00a0county,country\u2003",
    ],
)
def test_a_second_heading_in_a_table_of_texts_is_rejected_as_a_repeated_heading(write, importing, rows, heading):
    report = importing("people", write("places.csv", f"{PLACES}{heading}\nDerry,Derry,Ireland\n"))
    assert report.counts == {"places": {"read": 3, "created": 2, "rejected": 1}}
    assert report["rejections"][0]["line"] == 3 and message(report).startswith(REPEATED)
    assert rows("SELECT city FROM places ORDER BY city") == [("Derry",), ("Kelso",)]


@pytest.mark.parametrize("mark", ["", MARK])
def test_a_second_heading_in_tables_with_numbers_and_dates_is_rejected(write, importing, mark):
    importing("people", write("places.csv", PLACES))
    report = importing("people", write("people.csv", PEOPLE + mark + PEOPLE))
    assert report.counts == {"people": {"read": 3, "created": 2, "rejected": 1}}
    assert message(report).startswith(REPEATED)
    report = importing("census", write("census.csv", census() + mark + census()))
    assert report.counts == {"respondents": {"read": 3, "created": 2, "rejected": 1}}
    assert message(report).startswith(REPEATED) and report["new_terms"]["workclasses"] == ["Private"]
    report = importing(
        "census", write("adult.data", ROW + mark + census()), "--as", "adult.data"
    )  # the last line of the first file had no line end
    assert report.counts == {"respondents": {"read": 3, "created": 2, "rejected": 1}}
    assert message(report).startswith(REPEATED)


def test_the_byte_order_mark_of_an_appended_file_is_not_part_of_a_cell(write, importing, rows):
    importing("people", write("places.csv", f"{PLACES}{MARK}Derry,Derry,Ireland\n"))
    assert rows("SELECT city FROM places ORDER BY city") == [("Derry",), ("Kelso",)]


def test_a_second_heading_with_the_columns_in_another_order_stops_the_import(write, refused, rows):
    sentence = refused("people", write("places.csv", PLACES + "country,city,county\nIreland,Derry,Derry\n"))
    assert "places.csv, line 3: expected a row, found a second header" in sentence and "country, city" in sentence
    assert rows("SELECT * FROM places") == []


def test_a_second_heading_that_was_joined_to_the_last_row_is_reported(write, importing):
    report = importing("people", write("places.csv", PLACES.rstrip("\n") + PLACES))
    assert "Expected 3 cells, found 5. The header of another file follows on the same line" in message(report)


def test_a_second_heading_of_a_file_with_other_columns_is_reported(write, importing):
    report = importing("people", write("places.csv", f"{PLACES}city,county\nDerry,Derry\n"))
    result = [row["problems"][0]["message"] for row in report["rejections"]]
    assert result[0].startswith("Expected 3 cells, found 2. This line is the header of a file with other columns")
    assert result[1] == "Expected 3 cells, found 2."


def test_an_upload_of_utf_16_without_a_byte_order_mark_is_refused(db, admin_client):
    file = SimpleUploadedFile("places.csv", PLACES.encode("utf-16-le"))
    answer = admin_client.post("/api/imports/", {"dataset": "people", "mode": "preview", "files": file})
    assert answer.status_code == 400 and "Specify utf-16-le as the encoding of the file" in answer.content.decode()


def test_a_row_that_only_shares_a_word_with_the_heading_is_a_row(write, importing):
    report = importing("people", write("places.csv", f"{PLACES}City,County,Scotland\ncounty,Kent,country\n"))
    assert report.counts == {"places": {"read": 3, "created": 3}}


@pytest.mark.parametrize("line", ["sep=;", "SEP=,", "sep=\t", '"sep=;"', MARK + "sep=;", "\nsep=|"])
def test_a_spreadsheets_declaration_of_the_delimiter_is_refused_with_the_remedy(write, refused, line):
    number = 2 if line.startswith("\n") else 1
    sentence = refused("people", write("places.csv", f"{line}\n{PLACES.replace(',', ';')}"))
    assert f", line {number}: expected a row, found " in sentence and "Delete this line" in sentence
    assert "Delete this line" in refused("census", write("adult.data", f"{line}\n{ROW}"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf_16_without_a_byte_order_mark_is_refused_with_the_remedy(write, refused, importing, encoding):
    path = write("places.csv", PLACES.encode(encoding))
    for arguments in ([], ["--encoding", "cp1252"]):
        sentence = refused("people", path, *arguments)
        assert "without a byte order mark" in sentence and f"Specify {encoding} as the encoding of the file" in sentence
        assert sentence.endswith("On the command line: --encoding NAME.")
    assert importing("people", path, "--encoding", encoding).counts == {"places": {"read": 1, "created": 1}}
    subject = write("s1/subject.json", '{"subject_id": "1"}'.encode(encoding))
    assert f"Specify {encoding} as the encoding of the file" in str(importing("subjects", subject)["rejections"])


def test_an_unread_file_of_a_folder_is_reported_with_the_remedy(write, importing):
    write("all/places.csv", PLACES)
    write("all/more/a.csv", PLACES.encode("utf-16-le"))
    write("all/more/b.csv", "sep=,\n" + PLACES)
    notes = importing("people", write("all/more/c.csv", PLACES.encode("utf-16")).parents[1])["notes"]
    assert [note.partition(": ")[0] for note in notes] == [f"{name}.csv was skipped" for name in "abc"]
    assert "line 1: expected UTF-8, found UTF-16 without a byte order mark" in notes[0]
    assert notes[1].endswith("Delete this line; the import detects the delimiter.")
    assert "specify utf-16 as the encoding of the file" in notes[2]


def test_every_encoding_in_a_message_is_accepted_by_the_command_the_page_and_the_api(admin_client):
    page = admin_client.get("/admin/imports/importrun/import/").content.decode()
    schema = str(admin_client.get("/api/schema/?format=json").content)
    for name in ("utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        assert f'value="{name}"' in page and f'"{name}"' in schema


@pytest.mark.parametrize("marker", ["NA", "NaN", "NULL", "None", r"\N", "n/a", "N/A", "null", "#N/A", "?"])
def test_a_value_that_looks_like_a_missing_marker_is_reported_once_a_column(write, importing, rows, marker):
    other = f"{PLACES}Derry,{marker},{marker}\nCork,{marker},Ireland\n"
    result = (
        "may mean a missing value, but was imported as a value. In this source, only an empty cell means a missing "
        "value."
    )
    assert importing("people", write("places.csv", other))["notes"] == [
        f'places: "{marker}" (2 rows) in the column county {result}',
        f'places: "{marker}" (1 row) in the column country {result}',
    ]
    assert rows("SELECT county FROM places WHERE city = 'Cork'") == [(marker,)]


def test_missing_markers_are_reported_of_columns_of_every_kind_and_of_all_files_together(write, importing):
    census_files = {"adult.data": "", "adult.test": ""}
    for name in census_files:
        write(f"all/{name}", ROW + ROW.replace("39", "NA").replace("Private", "None") + ROW.replace("Sales", "?"))
    report = importing("census", write("all/adult.data", ROW + ROW.replace("39", "NA").replace("Peru", "NA")).parent)
    result = {note.split(" in the column ")[1].split()[0]: note for note in report["notes"]}
    assert set(result) == {"age", "workclass", "native_country"}
    assert '"NA" (2 rows)' in result["age"] and 'only an empty cell or "?" means a missing value' in result["workclass"]


def test_missing_markers_in_documents_are_reported(write, importing):
    write("all/a/subject.json", '{"subject_id": "1", "species": "None", "genotype": null, "sex": ""}')
    notes = importing("subjects", write("all/b/subject.json", '{"subject_id": "2", "species": "None"}').parents[1])[
        "notes"
    ]
    assert len(notes) == 1 and 'subjects: "None" (2 rows) in the column species' in notes[0]


@pytest.mark.parametrize(
    ("term", "other"),
    [("Private", "private"), ("Self-emp", "Self emp"), ("Privé", "Prive"), ("Private", "Private."), ("A\u200db", "Ab")],
)
def test_a_near_duplicate_of_a_term_is_reported_before_it_becomes_one(write, importing, rows, term, other):
    importing("census", write("census.csv", census(workclass=term)))
    path = write("census.csv", census(workclass=term) + ROW.replace("Private", other))
    for arguments in (["--dry-run"], []):
        (note,) = importing("census", path, *arguments)["notes"]
        shown = term.replace("\u200d", "<U+200D>")
        assert note.startswith(f'The new term "{other}" of workclasses is a near-duplicate of "{shown}".')
        assert len(rows("SELECT * FROM workclasses")) == (1 if arguments else 2)
    assert importing("census", path)["notes"] == []  # it is one now


def test_a_near_duplicate_that_a_curator_types_is_reported(db, admin_client):
    address = "/admin/census/workclass/add/"
    assert "near-duplicate" not in admin_client.post(address, {"name": "Private"}, follow=True).content.decode()
    page = admin_client.post(address, {"name": "private"}, follow=True).content.decode()
    assert "“private” is a near-duplicate of “Private”" in page


def test_near_duplicates_among_new_terms_are_reported_and_different_terms_are_not(write, importing):
    terms = ["Private", "PRIVATE", "10th", "11th", "Iran", "Iraq", "C", "C++"]
    rows = "".join(ROW.replace("Private", term) for term in terms)
    (note,) = importing("census", write("adult.data", rows))["notes"]
    assert note.startswith('The new term "PRIVATE" of workclasses is a near-duplicate of "Private".')
