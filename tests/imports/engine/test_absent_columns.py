"""Files that lack columns: the messages, the refusals, and the stored values that stay."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from curation.history.undo import undo_run
from imports.models import ImportRun

USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n2,Bob,bob@example.org,2024-02-02\n"
STORED = "SELECT user_id, name, email, CAST(signup_date AS text) FROM users ORDER BY user_id"
ANN, BOB = (1, "Ann", "ann@example.org", "2024-01-01"), (2, "Bob", "bob@example.org", "2024-02-02")
CENSUS = {
    "age": "39",
    "workclass": "Private",
    "fnlwgt": "77516",
    "education": "Bachelors",
    "education_num": "13",
    "marital_status": "Divorced",
    "occupation": "Sales",
    "relationship": "Wife",
    "race": "White",
    "sex": "Male",
    "capital_gain": "0",
    "capital_loss": "0",
    "hours_per_week": "40",
    "native_country": "Peru",
    "income": "<=50K",
}


def census(renamed: dict[str, str | None] | None = None, **changed: str) -> str:
    """A file of one respondent, with columns renamed or removed."""
    renamed = renamed or {}
    cells = {renamed.get(name, name): changed.get(name, cell) for name, cell in CENSUS.items()}
    cells.pop(None, None)
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


@pytest.fixture
def users(write, importing):
    return importing("experiments", write("all/users.csv", USERS))


@pytest.mark.only_on("sqlite")
def test_columns_that_are_ignored_and_columns_that_are_not_found_are_reported_together(write, importing):
    report = importing("census", write("census.csv", census({"occupation": "ocupation", "workclass": "wrok_class"})))
    assert report["notes"] == [
        "census.csv: columns ignored: wrok_class, ocupation; expected columns not found: "
        "workclass (did you mean wrok_class?), occupation (did you mean ocupation?)."
    ]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("renamed", "note"),
    [
        ({"occupation": None}, "expected columns not found: occupation."),
        ({"native_country": "shoe size"}, "columns ignored: shoe size; expected columns not found: native_country."),
        ({"native_country": "contry"}, "columns ignored: contry; expected columns not found: native_country"),
        ({"native_country": "native_country_name"}, "not found: native_country (did you mean native_country_name?)."),
        ({"native_country": "nat"}, "columns ignored: nat; expected columns not found: native_country."),
        ({"occupation": "occu\u200bpatoin"}, "not found: occupation (did you mean occu<U+200B>patoin?)."),
    ],
)
def test_an_expected_column_that_is_absent_is_reported(write, importing, renamed, note):
    (result,) = importing("census", write("census.csv", census(renamed)))["notes"]
    assert result.startswith("census.csv: ") and note in result


@pytest.mark.only_on("sqlite")
def test_a_note_is_short_for_many_and_long_headings(write, importing):
    more = ["x" * 5000, *(f"other_{number}" for number in range(5000))]
    head, row = census({"occupation": "ocupation"}).splitlines()
    text = f"{head},{','.join(more)}\n{row},{',' * 5000}\n"
    (note,) = importing("census", write("census.csv", text))["notes"]
    assert len(note) < 1000 and "occupation (did you mean ocupation?)" in note and "other_27 and 4,972 more" in note


@pytest.mark.only_on("sqlite")
def test_a_missing_required_column_is_refused_with_similar_headings(write, refused):
    sentence = refused("census", write("census.csv", census({"income": "incom", "age": "years old"})))
    assert "line 1: the columns age, income (did you mean incom?) are missing" in sentence
    assert "--allow-missing-columns" not in sentence  # a row cannot be stored without these columns
    sentence = refused("census", write("census.csv", census({"income": None})), "--allow-missing-columns")
    assert "income is missing" in sentence and sentence.endswith("all columns together identify a row without a key.")


def test_a_file_without_required_columns_is_refused_unless_they_may_be_missing(users, write, refused, importing, rows):
    path = write("users.csv", "user_id,nmae\n1,Anna\n")
    sentence = refused("experiments", path)
    assert "the columns name (did you mean nmae?), email, signup_date are missing" in sentence
    assert sentence.endswith("allow missing columns. On the command line: --allow-missing-columns.")
    report = importing("experiments", path, "--allow-missing-columns")
    assert report.counts == {"users": {"read": 1, "unchanged": 1, "missing": 1}}
    assert report["notes"][0].startswith("users.csv: columns ignored: nmae; expected columns not found: name (did you")
    assert rows(STORED) == [ANN, BOB]


def test_stored_values_of_absent_columns_stay(users, write, importing, rows):
    path = write("users.csv", "email,user_id\nanna@example.org,1\n")
    report = importing("experiments", path, "--allow-missing-columns")
    assert report.counts == {"users": {"read": 1, "updated": 1, "missing": 1}}
    assert rows(STORED) == [(1, "Ann", "anna@example.org", "2024-01-01"), BOB]


def test_a_file_without_half_of_its_columns_keeps_their_stored_values(users, write, importing, rows):
    report = importing("experiments", write("users.csv", "user_id,name,sign up\n1,Anna,\n2,Bob,\n3,Zoe,\n"))
    assert report.counts == {"users": {"read": 3, "updated": 1, "unchanged": 1, "rejected": 1}}
    assert report["notes"] == [
        "users.csv: columns ignored: sign up; expected columns not found: email, signup_date (did you mean sign up?)."
    ]
    assert rows(STORED) == [(1, "Anna", "ann@example.org", "2024-01-01"), BOB]


def test_a_missing_required_column_is_refused_for_an_empty_table(write, refused):
    sentence = refused("experiments", write("users.csv", "user_id,name,signup_date\n1,Ann,2024-01-01\n"))
    assert "the column email is missing" in sentence


def test_a_new_record_without_a_required_column_is_rejected(users, write, importing, rows):
    path = write("users.csv", "user_id,name\n1,Anna\n7,Zoe\n7,Zoe\n8,\n")
    report = importing("experiments", path, "--allow-missing-columns")
    assert report.counts == {"users": {"read": 4, "updated": 1, "duplicates": 1, "rejected": 2, "missing": 1}}
    assert [p[1:] for p in report.problems] == [(3, ("email", None), ("signup_date", None)), (5, ("name", None))]
    result = report["rejections"][0]["problems"][0]["message"]
    assert result.startswith("is missing: the file lacks the column, and the record is new; expected ")
    assert rows(STORED) == [(1, "Anna", "ann@example.org", "2024-01-01"), BOB]


def test_references_and_members_stay_if_their_columns_are_absent(users, write, importing, rows):
    importing("experiments", write("all/compounds.csv", "compound_id,compound_name,compound_structure\n1,A,H\n2,B,C\n"))
    heading = "experiment_id,user_id,experiment_compound_ids,experiment_run_time"
    importing("experiments", write("user_experiments.csv", f"{heading}\n1,1,1;2,10\n"))
    path = write("user_experiments.csv", "experiment_id,experiment_run_time\n1,11\n")
    report = importing("experiments", path, "--allow-missing-columns")
    assert report.counts == {"user_experiments": {"read": 1, "updated": 1}}
    assert rows("SELECT user_id, experiment_run_time FROM user_experiments") == [(1, 11)]
    assert rows("SELECT count(*) FROM user_experiment_compounds") == [(2,)]


def test_an_update_without_columns_is_undone_as_any_other(users, write, importing, rows):
    path = write("users.csv", "user_id,name\n1,Anna\n")
    run = importing("experiments", path, "--allow-missing-columns")["run"]
    undo_run(ImportRun.objects.get(pk=run), None)
    assert rows(STORED) == [ANN, BOB]


def test_a_key_that_is_absent_is_always_refused(users, write, refused):
    sentence = refused("experiments", write("users.csv", "name\nAnn\n"), "--allow-missing-columns")
    assert "the columns user_id, email, signup_date are missing" in sentence


def test_missing_columns_are_allowed_by_the_api_and_in_the_browser(users, write, admin_client, rows):
    def file():
        return SimpleUploadedFile("users.csv", b"user_id\n1\n2\n", "text/csv")

    data = {"dataset": "experiments", "mode": "apply"}
    for allowed, status in (("false", "failed"), ("true", "applied")):
        answer = admin_client.post("/api/imports/", data | {"files": file(), "allow_missing_columns": allowed})
        assert (answer.status_code, answer.json()["allow_missing_columns"]) == (202, allowed == "true")
        call_command("worker", "--batch")
        value = admin_client.get(f"/api/imports/{answer.json()['id']}/").json()
        assert value["status"] == status, value["error"]
    assert rows(STORED) == [ANN, BOB]
    answer = admin_client.post(
        "/api/imports/",
        {"dataset": "experiments", "sources": "configured", "mode": "preview", "allow_missing_columns": "yes"},
        "application/json",
    )
    assert answer.status_code == 400 and "allow_missing_columns" in answer.json()["errors"]

    assert "Allow missing columns" in admin_client.get("/admin/imports/importrun/import/").content.decode()
    form = {"dataset": "experiments", "encoding": "utf-8", "files": file()}
    for more, status in (({}, "failed"), ({"allow_missing_columns": "on"}, "previewed")):
        form["files"] = file()
        page = admin_client.post("/admin/imports/importrun/import/", form | more)["Location"]
        call_command("worker", "--batch")
        run = ImportRun.objects.first()
        assert (run.status, run.allow_missing_columns) == (status, bool(more)), run.error
        text = admin_client.get(page).content.decode()
        assert "<dt>Missing columns</dt><dd>allowed</dd>" in text if more else "allow missing columns" in text
    admin_client.post(page.replace("change", "apply"))
    call_command("worker", "--batch")
    assert ImportRun.objects.get(pk=run.pk).status == "applied"


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("renamed", "changed"),
    [
        ({"income": "label", "fnlwgt": "fnlgwt", "workclass": "employment"}, {"income": "0"}),
        ({"income": "Y", "workclass": "work_class"}, {"income": "<=50K."}),
        ({"income": "target"}, {"income": "0"}),
        ({"income": "class", "workclass": "Work Class"}, {}),
        ({"income": "income-over-50k"}, {"income": "0"}),
    ],
)
def test_the_headings_of_public_copies_of_the_census_are_accepted(write, importing, renamed, changed):
    importing("census", write("census.csv", census()))
    report = importing("census", write("census.csv", census(renamed, **changed)))
    assert report.counts == {"respondents": {"read": 1, "unchanged": 1}} and report["notes"] == []


def test_an_income_of_1_is_over_50k(write, importing, rows):
    importing("census", write("census.csv", census(income="1")))
    assert [bool(over) for (over,) in rows("SELECT income_over_50k FROM respondents")] == [True]
