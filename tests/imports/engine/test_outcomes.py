"""The outcome of each row of a file: created, updated, unchanged, duplicate or rejected."""

import pytest

PLACES = """\
city,county,country
Kelso,Roxburghshire,Scotland
Derry,Derry,Northern Ireland
Cardiff,Glamorgan,Wales
"""
PEOPLE = """\
given_name,family_name,date_of_birth,place_of_birth
Ann,Mac,1901-02-03,Kelso
Bob,Oak,1950-12-31,Derry
Eve,Elm,1977-07-07,Cardiff
"""
USERS = "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n2,Bob,bob@example.org,2024-01-02\n"
COMPOUNDS = "compound_id,compound_name,compound_structure\n1,Water,H2O\n2,Salt,NaCl\n3,Soda,NaOH\n"
EXPERIMENTS = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;2,10\n2,2,3,20.5\n"


@pytest.fixture
def experiments(write, importing):
    write("experiments/users.csv", USERS)
    write("experiments/compounds.csv", COMPOUNDS)
    importing("experiments", write("experiments/user_experiments.csv", EXPERIMENTS).parent)


def test_a_changed_file_changes_exactly_the_changed_rows(write, importing, rows, whole):
    importing("people", write("places.csv", PLACES))
    before = whole("places")
    report = importing(
        "people", write("places.csv", PLACES.replace("Glamorgan", "South Glamorgan") + "Bath,Avon,Eng\n")
    )
    assert report.counts == {"places": {"read": 4, "created": 1, "updated": 1, "unchanged": 2}}
    assert rows("SELECT county, created_line, changed_line FROM places ORDER BY id") == [
        ("Roxburghshire", 2, 2),
        ("Derry", 3, 3),
        ("South Glamorgan", 4, 4),
        ("Avon", 5, 5),
    ]
    assert len(set(before) & set(whole("places"))) == 2


def test_without_pairing_an_edited_row_without_a_key_is_one_created_and_one_missing(write, importing, rows, whole):
    write("all/people.csv", PEOPLE)
    importing("people", write("all/places.csv", PLACES).parent)
    before = whole("people")
    report = importing("people", write("people.csv", PEOPLE.replace("Bob", "Bobby")), "--no-pairing")
    assert report.counts == {"people": {"read": 3, "created": 1, "unchanged": 2, "missing": 1}}
    assert rows("SELECT given_name FROM people ORDER BY created_in_id, created_line") == [
        ("Ann",),
        ("Bob",),
        ("Eve",),
        ("Bobby",),
    ]
    assert set(before) < set(whole("people"))


def test_rows_that_moved_to_other_lines_are_unchanged_and_not_written(write, importing, whole):
    importing("people", write("places.csv", PLACES))
    before = whole("places")
    head, *lines = PLACES.splitlines()
    report = importing("people", write("places.csv", "\n".join([head, "", *reversed(lines)])))
    assert report.counts == {"places": {"read": 3, "unchanged": 3}}
    assert whole("places") == before


@pytest.mark.parametrize(
    ("changed", "to"),
    [("Ann", "Anna"), ("ann@example.org", "a@example.org"), ("2024-01-01", "2023-12-31")],
    ids=["a text", "an address", "a day"],
)
def test_any_changed_cell_is_an_update(experiments, write, importing, rows, changed, to):
    report = importing("experiments", write("users.csv", USERS.replace(changed, to)))
    assert report.counts == {"users": {"read": 2, "updated": 1, "unchanged": 1}}
    assert to in {str(value) for row in rows("SELECT name, email, signup_date FROM users") for value in row}


@pytest.mark.parametrize(
    ("changed", "to", "stored"),
    [
        ("2,2,3,20.5", "2,1,3,20.5", (1, 20.5, "3")),
        ("2,2,3,20.5", "2,2,3,20.25", (2, 20.25, "3")),
        ("2,2,3,20.5", "2,2,1;2;3,20.5", (2, 20.5, "1;2;3")),
        ("2,2,3,20.5", "2,2,1,20.5", (2, 20.5, "1")),
    ],
    ids=["a reference", "a number", "more of many", "others of many"],
)
def test_a_changed_experiment_is_an_update_of_it_alone(experiments, write, importing, rows, whole, changed, to, stored):
    before = whole("user_experiments")
    report = importing("experiments", write("user_experiments.csv", EXPERIMENTS.replace(changed, to)))
    assert report.counts == {"user_experiments": {"read": 2, "updated": 1, "unchanged": 1}}
    ((user, run_time),) = rows("SELECT user_id, experiment_run_time FROM user_experiments WHERE experiment_id = 2")
    uses = rows("SELECT compound_id FROM user_experiment_compounds WHERE experiment_id = 2 ORDER BY compound_id")
    assert (user, run_time, ";".join(str(use[0]) for use in uses)) == stored
    assert len(set(before) & set(whole("user_experiments"))) == 1


@pytest.mark.parametrize(
    "same",
    ["2,2,3,20.50", "02,+2,3;3,20.5", "2,2, 3 ,2.05e1"],
    ids=["zeros", "signs and repeats", "blanks and exponents"],
)
def test_another_spelling_of_the_same_values_is_unchanged(experiments, write, importing, whole, same):
    before = whole("user_experiments"), whole("user_experiment_compounds")
    report = importing("experiments", write("user_experiments.csv", EXPERIMENTS.replace("2,2,3,20.5", same)))
    assert report.counts == {"user_experiments": {"read": 2, "unchanged": 2}}
    assert (whole("user_experiments"), whole("user_experiment_compounds")) == before


def test_a_repeated_key_is_a_duplicate_with_equal_values_and_rejected_with_others(write, importing, rows):
    again = "Kelso, Roxburghshire ,Scotland\nDerry,Londonderry,Northern Ireland\nKelso,Roxburghshire,Scotland\n"
    report = importing("people", write("places.csv", PLACES + again))
    assert report.counts == {"places": {"read": 6, "created": 3, "duplicates": 2, "rejected": 1}}
    (rejection,) = report["rejections"]
    assert (rejection["line"], rejection["values"]["county"]) == (6, "Londonderry")
    assert rejection["problems"] == [
        {
            "column": "city",
            "value": "Derry",
            "message": "is a duplicate key: line 3 has other values and takes precedence",
        }
    ]
    assert rows("SELECT city, county FROM places ORDER BY city") == [
        ("Cardiff", "Glamorgan"),
        ("Derry", "Derry"),
        ("Kelso", "Roxburghshire"),
    ]


def test_a_repeated_key_in_a_second_file_names_the_first(write, importing):
    first, second = (
        write("places_1.csv", PLACES),
        write("places_2.csv", "city,county,country\nKelso,Roxburghshire,Alba\n"),
    )
    report = importing("people", first, second)
    assert report.counts == {"places": {"read": 4, "created": 3, "rejected": 1}}
    message = report["rejections"][0]["problems"][0]["message"]
    assert message == "is a duplicate key: line 2 of places_1.csv has other values and takes precedence"
    assert [(file["file"], file["rejected"]) for file in report["sources"][0]["files"]] == [
        ("places_1.csv", 0),
        ("places_2.csv", 1),
    ]


def test_a_repeated_key_with_other_members_is_rejected(experiments, write, importing, rows):
    report = importing("experiments", write("user_experiments.csv", EXPERIMENTS + "2,2,1,20.5\n2,2,3;3,20.5\n"))
    assert report.counts == {"user_experiments": {"read": 4, "unchanged": 2, "duplicates": 1, "rejected": 1}}
    assert rows("SELECT compound_id FROM user_experiment_compounds WHERE experiment_id = 2") == [(3,)]


def test_a_repeated_key_is_compared_with_the_file_and_not_with_the_table(write, importing, rows):
    importing("people", write("places.csv", PLACES))
    changed = (
        PLACES.replace("Glamorgan", "South Glamorgan") + "Cardiff,Glamorgan,Wales\nCardiff,South Glamorgan,Wales\n"
    )
    report = importing("people", write("places.csv", changed))
    assert report.counts == {"places": {"read": 5, "updated": 1, "unchanged": 2, "duplicates": 1, "rejected": 1}}
    assert rows("SELECT county FROM places WHERE city = 'Cardiff'") == [("South Glamorgan",)]


def test_the_first_valid_row_of_a_key_is_imported(write, importing, rows):
    report = importing(
        "people", write("places.csv", "city,county,country\nKelso,,Alba\nKelso,Roxburghshire,Scotland\n")
    )
    assert report.counts == {"places": {"read": 2, "created": 1, "rejected": 1}}
    assert rows("SELECT county, created_line FROM places") == [("Roxburghshire", 3)]


def test_the_outcomes_of_a_file_add_up(write, importing):
    importing("people", write("places.csv", PLACES + "Perth,Perthshire,Scotland\n"))
    mixed = """\
city,county,country
Kelso,Roxburghshire,Scotland
Derry,Derry,Ireland
Kelso,Roxburghshire,Scotland
Bath,Avon,England
Kelso,Avon,England

York,,England
Wells,Avon
"""
    assert importing("people", write("places.csv", mixed)).counts == {
        "places": {
            "read": 7,
            "created": 1,
            "updated": 1,
            "unchanged": 1,
            "duplicates": 1,
            "rejected": 3,
            "missing": 2,
        }
    }


def test_new_terms_are_created_and_listed(write, importing, rows):
    row = "{age}, {work}, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, {country}, <=50K\n"
    first = row.format(age=39, work="Private", country="Peru") + row.format(age=40, work="?", country="Cuba")
    report = importing(
        "census", write("adult.data", first + row.format(age="old", work="Never-worked", country="Laos"))
    )
    assert report["new_terms"] == {
        "workclasses": ["Private"],
        "education_levels": ["Bachelors"],
        "marital_statuses": ["Divorced"],
        "occupations": ["Sales"],
        "relationships": ["Wife"],
        "races": ["White"],
        "countries": ["Cuba", "Peru"],
    }
    report = importing("census", write("adult.data", first + row.format(age=41, work="Private", country="Laos")))
    assert report["new_terms"] == {"countries": ["Laos"]}
    assert rows("SELECT name FROM countries ORDER BY id") == [("Peru",), ("Cuba",), ("Laos",)]
    assert rows("SELECT name FROM workclasses") == [("Private",)]


def test_kept_is_0_without_corrections(write, importing):
    report = importing("people", write("places.csv", PLACES))
    assert [source["kept"] for source in report["sources"]] == [0]
