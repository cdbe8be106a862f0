"""Import of respondents by the command."""

from collections import Counter
from random import Random

import pytest

from census.models import EducationLevel, IncomeByEducation, Respondent
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

ADA = "39, State-gov, 77516, Bachelors, 13, Never-married, Sales, Unmarried, White, Female, 2174, 0, 40, Peru, <=50K"
BEN = "50, ?, 83311, HS-grad, 9, Divorced, ?, Husband, Black, Male, 0, 15, 13, ?, >50K"
NAMES = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,income"
)
AS_TOLD = [
    (
        *(39, "State-gov", 77516, "Bachelors", 13, "Never-married", "Sales", "Unmarried", "White", "Female"),
        *(2174, 0, 40, "Peru", False),
    ),
    (50, None, 83311, "HS-grad", 9, "Divorced", None, "Husband", "Black", "Male", 0, 15, 13, None, True),
]
COLUMNS = (
    *("age", "workclass__name", "fnlwgt", "education__name", "education__years", "marital_status__name"),
    *("occupation__name", "relationship__name", "race__name", "sex", "capital_gain", "capital_loss"),
    *("hours_per_week", "native_country__name", "income_over_50k"),
)


@pytest.fixture
def file(tmp_path):
    """A function that writes lines to a file and returns its path."""
    (tmp_path / "census").mkdir()

    def write(*lines, name="adult.data"):
        path = tmp_path / "census" / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def respondents():
    return list(Respondent.objects.order_by("pk").values_list(*COLUMNS))


def test_import_creates_respondents_and_their_terms(file):
    report = imported("import_census", file(ADA, BEN))
    assert report.counts == {"respondents": {"read": 2, "created": 2}}
    assert respondents() == AS_TOLD
    assert report["new_terms"] == {
        "workclasses": ["State-gov"],
        "education_levels": ["Bachelors", "HS-grad"],
        "marital_statuses": ["Divorced", "Never-married"],
        "occupations": ["Sales"],
        "relationships": ["Husband", "Unmarried"],
        "races": ["Black", "White"],
        "countries": ["Peru"],
    }
    assert list(IncomeByEducation.objects.order_by("years").values_list()) == [
        ("HS-grad", 9, 1, 1, 1.0),
        ("Bachelors", 13, 1, 0, 0.0),
    ]


def test_the_test_file_begins_with_a_remark_and_ends_its_labels_with_a_full_stop(file):
    path = file("|1x3 Cross validator", f"{ADA}.", f"{BEN}.", "", name="adult.test")
    assert imported("import_census", path).counts == {"respondents": {"read": 2, "created": 2}}
    assert respondents() == AS_TOLD


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("header", "of"),
    [
        (NAMES, str),
        (NAMES.replace("-", "_"), str),
        (NAMES.replace("-", ".").upper(), str),
        (NAMES.replace("-", " ").title(), lambda row: row.replace(", ", ",")),
        (NAMES.replace("education-num", "educational-num").replace("sex", "gender"), str),
        (NAMES.replace("native-country", "country").replace("income", "class"), str),
        (NAMES.replace("income", "salary").replace(",", ";"), lambda row: row.replace(",", ";")),
        (NAMES.replace(",", "\t"), lambda row: row.replace(", ", "\t")),
    ],
)
def test_a_table_with_a_header_and_a_file_of_uci_agree(file, header, of):
    imported("import_census", file(header, of(ADA), of(BEN), name="census.csv"))
    assert respondents() == AS_TOLD


def test_a_rejected_first_row_of_a_file_without_a_header_does_not_affect_the_others(file):
    report = imported("import_census", file("39, State-gov, 77516", ADA, BEN))
    assert (report.counts, report.rejected) == (
        {"respondents": {"read": 3, "created": 2, "rejected": 1}},
        [("adult.data", 1, None)],
    )
    assert respondents() == AS_TOLD


def test_equal_rows_are_different_people_and_stay(file):
    assert imported("import_census", file(ADA, ADA, BEN, ADA)).counts["respondents"] == {"read": 4, "created": 4}
    assert imported("import_census", file(ADA, ADA, BEN, ADA)).counts["respondents"] == {"read": 4, "unchanged": 4}
    assert Counter(respondents())[AS_TOLD[0]] == 3


def test_the_order_of_rows_does_not_matter(file):
    imported("import_census", file(ADA, BEN, ADA))
    assert imported("import_census", file(BEN, ADA, ADA)).counts["respondents"] == {"read": 3, "unchanged": 3}


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("change", "column", "value", "message"),
    [
        (("39", "old"), "age", "old", "is not a whole number from 0 to 150"),
        (("39", "151"), "age", "151", "is out of range: expected a whole number from 0 to 150"),
        (("39", "?"), "age", None, "is missing: expected a whole number from 0 to 150"),
        (("Female", "F"), "sex", "F", "is not one of Female or Male"),
        (("Bachelors, 13", "?, 13"), "education", None, "is missing: expected text of at most 100 characters"),
        (("Peru", "x" * 101), "native_country", "x" * 101, "is too long (101 characters): expected text of at most"),
        (("<=50K", "50K"), "income", "50K", "is not one of >50K or <=50K"),
        ((" 40", " 169"), "hours_per_week", "169", "is out of range: expected a whole number from 0 to 168"),
        (("2174", "-1"), "capital_gain", "-1", "is out of range: expected a whole number of 0 or more"),
    ],
)
def test_an_invalid_respondent_is_rejected_and_the_rest_imported(file, change, column, value, message):
    row = ADA.replace(*change)
    report = imported("import_census", file(BEN, row))
    assert report.counts["respondents"] == {"read": 2, "created": 1, "rejected": 1}
    (rejection,) = report["rejections"]
    assert (rejection["file"], rejection["line"]) == ("adult.data", 2)
    assert Counter(rejection["values"].values()) == Counter(row.split(", "))
    (problem,) = rejection["problems"]
    assert (problem["column"], problem["value"]) == (column, value)
    assert problem["message"].startswith(message)
    assert respondents() == AS_TOLD[1:]


def test_a_level_of_education_has_one_number_of_years(file):
    report = imported("import_census", file(ADA, BEN, ADA.replace("13", "14"), BEN.replace(" 9,", " 13,")))
    assert report.rejected == [("adult.data", 3, "education_num"), ("adult.data", 4, "education_num")]
    assert [r["problems"][0]["message"] for r in report["rejections"]] == [
        "does not match education Bachelors: expected 13",
        "does not match education HS-grad: expected 9",
    ]
    assert set(EducationLevel.objects.values_list("name", "years")) == {("Bachelors", 13), ("HS-grad", 9)}


def test_a_level_that_is_stored_keeps_its_years(file):
    imported("import_census", file(ADA))
    report = imported("import_census", file(ADA.replace("13", "14").replace("39", "40"), name="adult2.data"))
    assert report.rejected == [("adult2.data", 1, "education_num")]
    assert set(EducationLevel.objects.values_list("name", "years")) == {("Bachelors", 13)}


def test_a_rejected_row_creates_no_terms(file):
    report = imported("import_census", file(ADA, BEN.replace("50,", "old,", 1)))
    assert "HS-grad" not in str(report["new_terms"])
    assert list(EducationLevel.objects.values_list("name")) == [("Bachelors",)]


def test_an_edited_row_changes_its_respondent_and_without_pairing_is_another(file):
    imported("import_census", file(ADA, BEN))
    report = imported("import_census", file(ADA, BEN.replace("83311", "83312")), dry_run=True)
    assert report.counts["respondents"] == {"read": 2, "updated": 1, "unchanged": 1, "paired": 1}
    report = imported("import_census", file(ADA, BEN.replace("83311", "83312")), pairing=False)
    assert report.counts["respondents"] == {"read": 2, "created": 1, "unchanged": 1, "missing": 1}
    report = imported("import_census", file(ADA, BEN.replace("83311", "83312")), delete_missing=True)
    assert report.counts["respondents"] == {"read": 2, "unchanged": 2, "missing": 1, "deleted": 1}
    assert [row[2] for row in respondents()] == [77516, 83312]


def test_another_respondent_on_the_line_of_a_missing_one_is_not_paired(file):
    draw, columns = Random(1), list(zip(*(line.split(", ") for line in (ADA, BEN)), strict=True))
    years = {"Bachelors": "13", "HS-grad": "9"}
    rows = [[draw.choice(column) for column in columns] for _ in range(60)]
    another = rows[30].copy()
    for column in 1, 3, 5, 6:
        another[column] = next(value for value in columns[column] if value != another[column])
    for number, row in enumerate([*rows, another]):
        row[0], row[2], row[4] = str(20 + number), str(70000 + 13 * number), years[row[3]]
    imported("import_census", file(*map(", ".join, rows)))
    rows[30] = another
    report = imported("import_census", file(*map(", ".join, rows)), dry_run=True)
    assert report.counts["respondents"] == {"read": 60, "created": 1, "unchanged": 59, "missing": 1}


def test_the_sample_is_imported_except_its_planted_rows():
    report = imported("import_census")
    assert [(f["file"], f["read"], f["created"], f["rejected"]) for f in report["sources"][0]["files"]] == [
        ("adult.data", 4006, 4000, 6),
        ("adult.test", 1002, 1000, 2),
    ]
    assert sorted(report.rejected) == [
        ("adult.data", 212, "age"),
        ("adult.data", 655, "sex", "hours_per_week"),
        ("adult.data", 1240, None),
        ("adult.data", 1987, None),
        ("adult.data", 2718, "education_num"),
        ("adult.data", 3456, "income"),
        ("adult.test", 140, "fnlwgt"),
        ("adult.test", 802, "capital_gain"),
    ]
    assert imported("import_census").counts == {"respondents": {"read": 5008, "unchanged": 5000, "rejected": 8}}
