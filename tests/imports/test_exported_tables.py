"""Exports can be imported, into an empty database and into the one that they came from."""

import csv
import hashlib
import io
import re
from datetime import date

import pytest
from django.core.management import call_command

from census.models import Workclass
from curation.history.edits import correct, delete
from experiments.models import Compound, User, UserExperiment
from imports.engine.run import import_files
from imports.file_storage import kept_at
from imports.source_files import Upload
from people.models import Person, Place
from tests.fast_flush import empty_now
from tests.import_helpers import SAMPLES

TABLES = {
    "people": ["places", "people"],
    "experiments": ["users", "compounds", "user-experiments"],
    "census": ["respondents"],
    "subjects": ["subjects", "sessions"],
}
FORMS = [
    pytest.param([], id="exact"),
    pytest.param(["--spreadsheet"], id="for a spreadsheet", marks=pytest.mark.only_on("sqlite")),  # an option of CSV
]
OWN = re.compile(r"id|.+_in_(run|file)|.+_line|place_of_birth_id|(?!user|subject|experiment|compound).+_id")


@pytest.fixture
def exported(tmp_path, transactional_db, django_user_model):
    """Export every table that a dataset's files fill, with all permissions; return the files."""

    def exported(dataset, *options, folder="exported"):
        django_user_model.objects.get_or_create(username="root", is_superuser=True)
        (tmp_path / folder).mkdir(exist_ok=True)
        files = [tmp_path / folder / f"{table.replace('-', '_')}.csv" for table in TABLES[dataset]]
        for table, file in zip(TABLES[dataset], files, strict=True):
            call_command("export", f"{dataset}/{table}", "-o", str(file), "--as-user", "root", *options, verbosity=0)
        return files

    return exported


def values(files):
    """The contents of the files without generated keys and provenance."""
    result = []
    for file in files:
        header, *rows = csv.reader(io.StringIO(file.read_text("utf-8-sig")))
        kept = [place for place, name in enumerate(header) if not OWN.fullmatch(name)]
        result.append([[row[place] for place in kept] for row in [header, *rows]])
    return result


def only_unchanged(report):
    return {source: {**result} for source, result in report.counts.items() if set(result) != {"read", "unchanged"}}


@pytest.mark.parametrize("options", FORMS)
@pytest.mark.parametrize("dataset", TABLES)
def test_each_imported_table_can_be_exported_and_imported(dataset, options, exported, importing, whole):
    importing(dataset, SAMPLES / dataset)
    tables = [table.replace("-", "_") for table in TABLES[dataset]]
    files, before = exported(dataset, *options), [whole(table) for table in tables]
    report = importing(dataset, *files)
    assert only_unchanged(report) == {} and report["missing"] == []
    assert [whole(table) for table in tables] == before
    values_before = values(files)
    empty_now()
    report = importing(dataset, *files)
    assert {source: set(result) for source, result in report.counts.items()} == {t: {"read", "created"} for t in tables}
    assert values(exported(dataset, *options, folder="again")) == values_before
    assert only_unchanged(importing(dataset, *files)) == {}


def test_records_of_several_files_keep_their_files(exported, importing, write, rows):
    places = "city,county,country\n=Kelso,b,c\nPerth,b,c\n"
    importing("people", write("places.csv", places))
    header = "given_name,family_name,date_of_birth,place_of_birth\n"
    ann, bob = "Ann,=Mac,1900-01-01,=Kelso\n", "Bob,Mac,1900-01-01,Perth\n"
    first = write("people.csv", header + ann * 3 + bob)
    second = write("people_2.csv", header + ann + bob.replace("Bob", "Eve") * 2)
    importing("people", first, second)
    files = exported("people", "--spreadsheet")
    assert only_unchanged(importing("people", *files)) == {}
    empty_now()
    importing("people", *files)
    result = "SELECT f.name, count(*) FROM people p JOIN source_files f ON f.id = p.created_in_id GROUP BY f.name"
    assert sorted(rows(result)) == [("people.csv", 4), ("people_2.csv", 3)]
    # The files themselves also match their records, and rows that they no longer contain are missing.
    assert only_unchanged(importing("people", first, second)) == {}
    report = importing("people", write("people.csv", header + ann * 2 + bob))
    assert report.counts["people"] == {"read": 3, "unchanged": 3, "missing": 1}


def test_a_record_edited_in_the_export_is_updated_and_a_removed_one_missing(exported, importing):
    importing("experiments", SAMPLES / "experiments")
    files = exported("experiments")
    compounds = next(file for file in files if file.name == "compounds.csv")
    header, first, *others, last = compounds.read_text().splitlines()
    number, _, structure, *rest = first.split(",")
    compounds.write_text("\n".join([header, ",".join([number, "Renamed", structure, *rest]), *others]) + "\n")
    report = importing("experiments", compounds)
    assert report.counts["compounds"] == {
        "read": len(others) + 1,
        "updated": 1,
        "unchanged": len(others),
        "missing": 1,
    }
    assert Compound.objects.get(pk=int(number)).compound_name == "Renamed"
    assert report["missing"][0]["record"] == int(last.split(",")[0])


def test_a_person_who_was_edited_in_the_export_is_updated(exported, importing, write):
    importing("people", write("places.csv", "city,county,country\nKelso,b,c\n"))
    people = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1900-01-01,Kelso\nBob,Oak,1950-12-31,Kelso\n"
    importing("people", write("people.csv", people))
    _, file = exported("people")
    file.write_text(file.read_text().replace("Ann", "Anne"))
    report = importing("people", file)
    assert report.counts["people"] == {"read": 2, "updated": 1, "unchanged": 1, "paired": 1}


@pytest.fixture
def cleo(transactional_db, django_user_model):
    """A curator."""
    return django_user_model.objects.create_user("cleo")


ANN = "Ann,Mac,1900-01-01,Kelso\n"
PEOPLE = f"given_name,family_name,date_of_birth,place_of_birth\n{ANN * 4}"


@pytest.fixture
def four(importing, write):
    """Four people with the same values in their file."""
    importing("people", write("places.csv", "city,county,country\nKelso,b,c\nPerth,b,c\n"))
    importing("people", write("people.csv", PEOPLE))
    return [Person.objects.filter(pk=pk) for pk in Person.objects.order_by("pk").values_list("pk", flat=True)]


@pytest.mark.parametrize("options", FORMS)
def test_edits_of_people_are_not_affected_by_an_import_of_the_export(options, four, cleo, exported, importing, whole):
    first, second, third, _ = four
    correct(first, {"given_name": "Eve"}, cleo)
    delete(second, cleo)
    correct(third, {"place_of_birth": Place.objects.get(city="Perth")}, cleo)
    place = Place.objects.get(city="Kelso")
    for name in ("Zoë", "Zoë", "Ann"):  # created by a curator, one of them equal to a row
        Person.objects.create(given_name=name, family_name="Mac", date_of_birth=date(1900, 1, 1), place_of_birth=place)
    correct(Place.objects.filter(pk=place.pk), {"county": "Roxburghshire"}, cleo)
    before, files = [whole(table) for table in TRACKED], exported("people", *options)
    assert only_unchanged(importing("people", *files)) == {}
    assert [whole(table) for table in TRACKED] == before
    values_before = values(files)
    empty_now()
    importing("people", *files)
    assert values(exported("people", *options, folder="again")) == values_before


TRACKED = ("places", "people", "changes")


def test_an_export_from_before_a_correction_or_deletion_does_not_undo_it(four, cleo, exported, importing, whole):
    files = exported("people")
    correct(four[0], {"given_name": "Eve"}, cleo)
    delete(four[1], cleo)
    correct(Place.objects.filter(city="Perth"), {"county": "Perthshire"}, cleo)
    before = [whole(table) for table in TRACKED]
    assert importing("people", *files).counts == {
        "places": {"read": 2, "unchanged": 2, "kept": 1},
        "people": {"read": 4, "unchanged": 4, "kept": 2},
    }
    assert [whole(table) for table in TRACKED] == before


def test_edits_of_records_with_a_key_are_not_affected_by_an_import_of_the_export(
    cleo, exported, importing, whole, write
):
    importing("experiments", SAMPLES / "experiments")
    first, second, third = UserExperiment.objects.order_by("pk")[:3]
    correct(UserExperiment.objects.filter(pk=first.pk), {"experiment_run_time": 123456789.12345678}, cleo)
    correct(
        UserExperiment.objects.filter(pk=second.pk), {"compounds": [Compound.objects.order_by("pk").last().pk]}, cleo
    )
    delete(UserExperiment.objects.filter(pk=third.pk), cleo)
    correct(User.objects.filter(pk=first.user_id), {"email": "somebody@example.org"}, cleo)
    UserExperiment.objects.create(experiment_id=10**9, user_id=first.user_id, experiment_run_time=0.1)  # of no compound
    tracked = ("users", "compounds", "user_experiments", "user_experiment_compounds", "changes")
    before, files = [whole(table) for table in tracked], exported("experiments")
    assert only_unchanged(importing("experiments", *files)) == {}
    assert [whole(table) for table in tracked] == before
    # Another change of a corrected record does not change the file value.
    remembered = UserExperiment.objects.get(pk=first.pk).corrections
    files[2].write_text(
        re.sub(rf"(?m)^{first.pk},{first.user_id},", f"{first.pk},{second.user_id},", files[2].read_text())
    )
    importing("experiments", files[2])
    changed = UserExperiment.objects.get(pk=first.pk)
    assert (changed.user_id, changed.experiment_run_time) == (second.user_id, 123456789.12345678)
    assert changed.corrections == remembered


def test_a_renamed_term_is_exported_and_imported_with_its_new_name(exported, importing, whole):
    importing("census", SAMPLES / "census")
    Workclass.objects.filter(name="Private").update(name="Private sector")
    before, files = whole("respondents"), exported("census")
    assert only_unchanged(importing("census", *files)) == {}
    assert whole("respondents") == before


def test_an_export_of_some_columns_leaves_the_others_unchanged(importing, exported, tmp_path):
    importing("subjects", SAMPLES / "subjects")
    file = tmp_path / "subjects.csv"
    some = "subject_id,species,genotype"
    call_command("export", "subjects/subjects", "--columns", some, "-o", str(file), verbosity=0)
    assert only_unchanged(importing("subjects", file)) == {}


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            "people/births-by-country",
            "births by country, a summary table derived from other tables. Import places and people",
        ),
        ("census/income-by-education", "a summary table derived from other tables. Import respondents instead."),
        ("census/education-levels", "a vocabulary that imports of other tables fill. Import respondents instead."),
        ("census/workclasses", "workclasses, a vocabulary that imports of other tables fill. Import respondents"),
        ("experiments/user-features", "Import users and compounds and user_experiments instead."),
        ("subjects/by-birth-year", "Import subjects and sessions instead."),
    ],
)
@pytest.mark.parametrize("options", FORMS)
def test_exports_of_views_and_vocabularies_are_refused_with_the_right_file(
    table, expected, options, transactional_db, refused, tmp_path
):
    file = tmp_path / f"{table.partition('/')[2].replace('-', '_')}.csv"
    call_command("export", table, "-o", str(file), *options, verbosity=0)
    sentence = refused(table.partition("/")[0], file)
    assert sentence.startswith(f"{file} cannot be imported. It is an export of ") and expected in sentence


def test_an_export_and_files_of_the_same_table_are_imported_one_after_the_other(exported, importing, refused):
    importing("people", SAMPLES / "people")
    files = exported("people")
    assert "was exported from this site" in refused("people", files[0], SAMPLES / "people" / "places.csv")


def test_a_row_of_an_export_that_cannot_be_used_is_reported_and_its_record_is_not_missing(exported, importing, write):
    importing("people", write("places.csv", "city,county,country\nKelso,b,c\nPerth,b,c\n"))
    text = PEOPLE + "".join(f"P{n},Mac,1900-01-01,{city}\n" for n, city in enumerate(["Kelso", "Perth", "Perth"]))
    importing("people", write("people.csv", text))
    _, people = exported("people")
    lines = people.read_text().splitlines()
    changed = [lines[0], lines[5].replace("1900-01-01", "soon"), lines[6].replace("Perth", "Nowhere"), *lines[1:5]]
    people.write_text("\n".join(changed) + "\n")
    report = importing("people", people)
    assert [(r["file"], r["line"]) for r in report["rejections"]] == [("people.csv", 2), ("people.csv", 3)]
    assert report["rejections"][0]["values"]["changed_in_file"] == "people.csv"
    assert report.counts["people"] == {"read": 6, "unchanged": 4, "rejected": 2, "missing": 1}
    assert report["missing"][0]["values"]["given_name"] == "P2"


@pytest.mark.parametrize("dataset", ["census", "subjects"])
def test_a_list_that_the_api_sends_as_csv_is_imported_by_an_upload(
    dataset, importing, client, django_user_model, whole
):
    importing(dataset, SAMPLES / dataset)
    client.force_login(django_user_model.objects.create_superuser("root"))
    tables = [table.replace("-", "_") for table in TABLES[dataset]]
    lists = [client.get(f"/api/{dataset}/{table}/?format=csv").getvalue() for table in TABLES[dataset]]
    uploads = [
        Upload(f"{name}.csv", hashlib.sha256(body).hexdigest()) for name, body in zip(tables, lists, strict=True)
    ]
    for upload, body in zip(uploads, lists, strict=True):
        kept_at(upload.sha256).write_bytes(body)
    before = [whole(table) for table in tables]
    run = import_files(dataset, uploads=uploads).run
    assert {(f.created, f.updated, f.missing, f.rejected) for f in run.files.all()} == {(0, 0, 0, 0)}
    assert [whole(table) for table in tables] == before
