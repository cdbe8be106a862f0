"""Import of the original census files: the tables contain every known figure of the files."""

from collections import Counter

import pytest
from django.db.models import Avg, Count, F

from census.models import IncomeByEducation, Respondent
from tests.import_helpers import CLOTHES, imported, table

pytestmark = pytest.mark.django_db

UNCHANGED = {"respondents": {"read": 48_842, "unchanged": 48_842}}
# A column of the file in its order, and its stored values.
STORED = {
    "age": "age",
    "workclass": "workclass__name",
    "fnlwgt": "fnlwgt",
    "education": "education__name",
    "education_num": "education__years",
    "marital_status": "marital_status__name",
    "occupation": "occupation__name",
    "relationship": "relationship__name",
    "race": "race__name",
    "sex": "sex",
    "capital_gain": "capital_gain",
    "capital_loss": "capital_loss",
    "hours_per_week": "hours_per_week",
    "native_country": "native_country__name",
    "income": "income_over_50k",
}


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "census"


@pytest.fixture(scope="module", autouse=True)
def first(module_db, folder):
    """The report of the import shared by all tests of this module."""
    return imported("import_census", folder)


def of(file):
    """Return the respondents of a file."""
    return Respondent.objects.filter(created_in__name=file)


def cells(path):
    """Return the rows of a file, without the full stop after the labels of adult.test."""
    rows = [row for row in table(path) if not row[0].startswith("|")]
    return [[*row[:-1], row[-1].removesuffix(".")] for row in rows]


def as_written(respondents):
    """Return the rows of the table in the format of the files."""
    rows = respondents.values_list(*STORED.values())
    return [(*("?" if c is None else str(c) for c in row), ">50K" if rich else "<=50K") for *row, rich in rows]


def percent(share):
    return round(100 * share, 3)


def test_all_rows_are_there_and_valid(first):
    assert first.counts == {"respondents": {"read": 48_842, "created": 48_842}}
    assert {f["file"]: f["created"] for f in first["sources"][0]["files"]} == {
        "adult.data": 32_561,
        "adult.test": 16_281,
    }
    assert len(first["notes"]) == 1 and "adult.names was skipped because it matches no source" in first["notes"][0]


@pytest.mark.parametrize("name", ["adult.data", "adult.test"])
def test_every_cell_equals_the_file(folder, name):
    assert as_written(of(name).order_by("pk")) == [tuple(row) for row in cells(folder / name)]


@pytest.mark.parametrize(
    ("respondents", "over_50k", "share"),
    [
        (Respondent.objects.filter(created_in__name="adult.data"), 7_841, 24.081),
        (Respondent.objects.filter(created_in__name="adult.test"), 3_846, 23.623),
        (Respondent.objects.all(), 11_687, 23.928),
    ],
)
def test_incomes_over_50k(respondents, over_50k, share):
    assert respondents.filter(income_over_50k=True).count() == over_50k
    assert percent(respondents.share_over_50k()) == share


@pytest.mark.parametrize(("sex", "number", "share"), [("Male", 32_650, 30.377), ("Female", 16_192, 10.925)])
def test_men_and_women(sex, number, share):
    assert Respondent.objects.filter(sex=sex).count() == number
    assert percent(Respondent.objects.filter(sex=sex).share_over_50k()) == share


def test_missing_values_by_column():
    missing = {name: Respondent.objects.filter(**{f"{path}": None}).count() for name, path in STORED.items()}
    assert {name: number for name, number in missing.items() if number} == {
        "workclass": 2_799,
        "occupation": 2_809,
        "native_country": 857,
    }
    assert (
        Respondent.objects.exclude(workclass=None).exclude(occupation=None).exclude(native_country=None).count()
        == 45_222
    )


@pytest.mark.parametrize(
    ("files", "number"), [(["adult.data"], 24), (["adult.test"], 5), (["adult.data", "adult.test"], 52)]
)
def test_equal_rows_are_all_stored(files, number):
    rows = Respondent.objects.filter(created_in__name__in=files)
    several = rows.values(*STORED.values()).annotate(times=Count("pk")).filter(times__gt=1)
    assert sum(row["times"] - 1 for row in several) == number


def test_the_mean_age_of_adult_data():
    assert round(of("adult.data").aggregate(mean=Avg("age"))["mean"], 4) == 38.5816


def test_income_by_education_counts_every_respondent():
    levels = IncomeByEducation.objects.all()
    assert len(levels) == 16
    assert (sum(level.respondents for level in levels), sum(level.over_50k for level in levels)) == (48_842, 11_687)
    for level in levels:
        there = Respondent.objects.filter(education__name=level.education)
        assert (level.respondents, level.share_over_50k) == (there.count(), pytest.approx(there.share_over_50k()))


def test_provenance_has_the_line_number_of_an_editor(folder):
    lines = (folder / "adult.test").read_text().split("\n")
    last = of("adult.test").filter(created_line=F("changed_line")).order_by("-created_line").first()
    assert lines[last.created_line - 1].startswith(f"{last.age}, ")
    assert last.created_line == len([line for line in lines if line.strip()])


def test_a_repeated_import_of_the_files_changes_nothing(folder):
    assert imported("import_census", folder).counts == UNCHANGED


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("clothes", ["comma and tab", "everything at once"])  # people have the others
def test_the_same_table_in_other_formats_changes_nothing(clothes, folder, tmp_path):
    for name in ("adult.data", "adult.test"):
        (tmp_path / name).write_bytes(CLOTHES[clothes]([list(STORED), *cells(folder / name)]))
    assert imported("import_census", tmp_path / "adult.data", tmp_path / "adult.test").counts == UNCHANGED


def test_a_table_with_a_header_gives_the_same_records_as_the_files_of_uci(folder, tmp_path):
    rows = cells(folder / "adult.data") + cells(folder / "adult.test")
    before = Counter(as_written(Respondent.objects.all()))
    Respondent.objects.all().delete()
    (tmp_path / "adult.csv").write_bytes(CLOTHES["everything at once"]([list(STORED), *rows]))
    report = imported("import_census", tmp_path / "adult.csv")
    assert report.counts == {"respondents": {"read": 48_842, "created": 48_842}}
    assert Counter(as_written(Respondent.objects.all())) == before
