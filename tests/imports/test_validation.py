"""Rejected rows: every problem of a row with its column, its value, and the expected value."""

import pytest

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
RESPONDENT = (
    "{age}, {work}, 77516, {education}, {years}, Divorced, Sales, Wife, White, {sex}, 0, 0, {hours}, Peru, {income}\n"
)
GOOD = {
    "age": 39,
    "work": "Private",
    "education": "Bachelors",
    "years": 13,
    "sex": "Male",
    "hours": 40,
    "income": "<=50K",
}


@pytest.fixture
def problems(write, importing):
    """Import a file with one invalid row; return its problems as column, value and message."""

    def problems(dataset, name, content):
        (rejection,) = importing(dataset, write(name, content))["rejections"]
        return [(p["column"], p["value"], p["message"]) for p in rejection["problems"]]

    return problems


@pytest.fixture
def experiments(write, importing):
    users = write("users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n")
    importing("experiments", users, write("compounds.csv", "compound_id,compound_name,compound_structure\n1,A,H\n"))


def respondent(**changed):
    return RESPONDENT.format(**GOOD | changed)


def test_all_problems_of_a_row_are_reported_together(problems):
    row = respondent(age="old", years="many", sex="Mail", hours=169, income="50K", education="")
    assert problems("census", "adult.data", respondent() + row) == [
        ("age", "old", "is not a whole number from 0 to 150"),
        ("education", None, "is missing: expected text of at most 100 characters"),
        ("education_num", "many", "is not a whole number from 0 to 32767"),
        ("sex", "Mail", "is not one of Female or Male"),
        ("hours_per_week", "169", "is out of range: expected a whole number from 0 to 168"),
        ("income", "50K", "is not one of >50K or <=50K"),
    ]


@pytest.mark.both_engines
def test_a_place_that_is_not_known_is_reported_beside_a_bad_date(write, importing, problems):
    importing("people", write("places.csv", PLACES))
    assert problems("people", "people.csv", PEOPLE + "Ann,Mac,soon,Atlantis\nBob,Oak,1950-12-31,Kelso\n") == [
        ("date_of_birth", "soon", "is not a date written year-month-day, such as 1984-03-01"),
        ("place_of_birth", "Atlantis", "refers to an unknown place (looked up in places.city)"),
    ]


@pytest.mark.both_engines
def test_a_row_with_an_invalid_date_can_refer_to_a_new_place(write, importing):
    write("all/people.csv", PEOPLE + "Ann,Mac,soon,Kelso\n")
    report = importing("people", write("all/places.csv", PLACES).parent)
    assert report.problems == [("people", 2, ("date_of_birth", "soon"))]


@pytest.mark.both_engines
def test_a_user_and_a_compound_that_do_not_exist_are_reported_together(experiments, problems):
    assert problems("experiments", "user_experiments.csv", EXPERIMENTS + "1,7,1;9;8,10\n") == [
        ("user_id", "7", "refers to an unknown user (looked up in users.user_id)"),
        ("experiment_compound_ids", "8", "refers to an unknown compound (looked up in compounds.compound_id)"),
        ("experiment_compound_ids", "9", "refers to an unknown compound (looked up in compounds.compound_id)"),
    ]


def test_a_user_and_a_compound_that_do_not_exist_are_reported_beside_a_bad_number(experiments, problems):
    result = problems("experiments", "user_experiments.csv", EXPERIMENTS + "1,7,1;9,soon\n")
    assert sorted((column, str(value)) for column, value, _ in result) == [
        ("experiment_compound_ids", "9"),
        ("experiment_run_time", "soon"),
        ("user_id", "7"),
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("1;x", "contains 'x', which is not a whole number"),
        ("1;;1", "contains '', which is not a whole number"),
        ("1,5", None),
    ],
)
def test_a_cell_of_many_shows_which_of_them_is_wrong(experiments, problems, cell, message):
    ((column, value, problem),) = problems("experiments", "user_experiments.csv", EXPERIMENTS + f"1,1,{cell},10\n")
    if message:
        assert (column, value, problem) == ("experiment_compound_ids", cell, message)
    else:
        assert (column, problem) == (None, "Expected 4 cells, found 5.")


@pytest.mark.both_engines
def test_a_level_with_another_number_of_years_is_rejected(write, importing, rows):
    report = importing("census", write("adult.data", respondent() + respondent(years=14) + respondent(age=40)))
    assert report.counts == {"respondents": {"read": 3, "created": 2, "rejected": 1}}
    (rejection,) = report["rejections"]
    assert (rejection["line"], rejection["problems"]) == (
        2,
        [{"column": "education_num", "value": "14", "message": "does not match education Bachelors: expected 13"}],
    )
    assert rows("SELECT name, years FROM education_levels") == [("Bachelors", 13)]


@pytest.mark.both_engines
def test_later_files_do_not_change_the_years_of_a_level(write, importing, rows):
    importing("census", write("adult.data", respondent()))
    report = importing("census", write("adult.test", respondent(years=12) + respondent(education="Masters", years=14)))
    assert report.problems == [("respondents", 1, ("education_num", "12"))]
    assert rows("SELECT name, years FROM education_levels ORDER BY id") == [("Bachelors", 13), ("Masters", 14)]


@pytest.mark.both_engines
def test_a_rejected_row_creates_no_education_level(write, importing, rows):
    importing("census", write("adult.data", respondent(age="old", education="Masters", years=99) + respondent()))
    assert rows("SELECT name, years FROM education_levels") == [("Bachelors", 13)]
    importing("census", write("adult.data", respondent(education="Masters", years=14) + respondent()))
    assert rows("SELECT name, years FROM education_levels ORDER BY id") == [("Bachelors", 13), ("Masters", 14)]


@pytest.mark.both_engines
def test_a_new_level_without_years_is_rejected(problems, rows):
    assert problems("census", "adult.data", respondent(years="")) == [
        ("education_num", None, "is missing: expected a whole number from 0 to 32767")
    ]
    assert rows("SELECT count(*) FROM education_levels") == [(0,)]


def test_a_question_mark_is_a_missing_value_in_nullable_columns(write, importing, rows, problems):
    importing("census", write("adult.data", respondent(work="?") + respondent(work="")))
    assert rows("SELECT workclass_id FROM respondents") == [(None,), (None,)]
    assert problems("census", "adult.test", respondent(age="?")) == [
        ("age", None, "is missing: expected a whole number from 0 to 150")
    ]


def test_line_numbers_count_quoted_line_breaks(write, importing):
    importing("people", write("places.csv", PLACES))
    content = (
        PEOPLE
        + '"An\nn","M\r\nac",1901-02-03,Kelso\n'  # lines 2 to 4
        + "\n"
        + '"B\n\nob",Oak,soon,Kelso\n'  # 6 to 8
        + "Eve,Elm,1950-12-31,Atlantis\n"  # 9
        + '"Gus\n",Elm\n'  # 10 and 11
        + "Ida,Elm,,Kelso\n"  # 12
    )
    assert importing("people", write("people.csv", content)).problems == [
        ("people", 6, ("date_of_birth", "soon")),
        ("people", 9, ("place_of_birth", "Atlantis")),
        ("people", 10, (None, None)),
        ("people", 12, ("date_of_birth", None)),
    ]


def test_line_numbers_are_right_in_a_file_of_many_blocks(write, importing):
    importing("people", write("places.csv", PLACES))
    good = "".join(f"{'x' * 190}{n},Mac,1901-02-03,Kelso\n" for n in range(30_000))
    quoted = '"two\nlines",Mac,1901-02-03,Kelso\n'
    content = PEOPLE + good + quoted + "Ann,Mac,soon,Kelso\nBob\nEve,Mac,1901-02-03,Atlantis\n"
    assert importing("people", write("people.csv", content)).problems == [
        ("people", 30_004, ("date_of_birth", "soon")),
        ("people", 30_005, (None, None)),
        ("people", 30_006, ("place_of_birth", "Atlantis")),
    ]


def test_the_values_of_a_rejected_row_have_the_headings_of_the_file(write, importing):
    content = "Born,DATE-OF-BIRTH,Given Name,family.name,place_of_birth\nx, soon ,\tAnn,Mac,Kelso\n"
    importing("people", write("places.csv", PLACES))
    (early,) = importing("people", write("people.csv", content))["rejections"]
    (late,) = importing("people", write("people.csv", content.replace("soon", "1901-02-03").replace("Kelso", "Rome")))[
        "rejections"
    ]
    assert early["values"] == {
        "Born": "x",
        "DATE-OF-BIRTH": "soon",
        "Given Name": "Ann",
        "family.name": "Mac",
        "place_of_birth": "Kelso",
    }
    assert late["values"] == early["values"] | {"DATE-OF-BIRTH": "1901-02-03", "place_of_birth": "Rome"}


def test_a_text_longer_than_its_column_is_rejected(problems):
    assert problems("people", "places.csv", f"city,county,country\n{'x' * 201},A,B\nKelso,{'x' * 200},B\n") == [
        ("city", "x" * 201, "is too long (201 characters): expected text of at most 200 characters")
    ]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        (0, "x", "is not a whole number"),
        (0, "9223372036854775808", "is out of range"),
        (0, "1.0", "is not a whole number"),
        (2, "ann.example.org", "valid email address"),
        (3, "2024-02-30", "is not a date"),
        (3, "01/02/2024", "is not a date"),
        (3, "2024-W01-1", "is not a date"),
        (1, "", "is missing"),
    ],
)
def test_an_invalid_cell_is_rejected(problems, column, value, problem):
    cells = ["1", "Ann", "ann@example.org", "2024-01-01"]
    cells[column] = value
    headings = ["user_id", "name", "email", "signup_date"]
    ((name, result, message),) = problems(
        "experiments", "users.csv", ",".join(headings) + "\n" + ",".join(cells) + "\n"
    )
    assert (name, result or "") == (headings[column], value) and problem in message
