"""The received files of subjects: the tables have all figures that are known of the files."""

import json
from collections import Counter
from datetime import date

import pytest

from subjects.models import Session, Subject, SubjectsByBirthYear
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

UNCHANGED = {"subjects": {"read": 20, "unchanged": 20}, "sessions": {"read": 20, "unchanged": 20}}


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "subjects"


@pytest.fixture(scope="module", autouse=True)
def first(module_db, folder):
    """The report of the import before the tests of this module."""
    return imported("import_subjects", folder)


def documents(folder):
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/subject.json")}


def test_each_folder_is_a_session_of_a_different_subject(first):
    assert first.counts == {
        "subjects": {"read": 20, "created": 20},
        "sessions": {"read": 20, "created": 20},
    }
    assert first["notes"] == []
    assert (Subject.objects.count(), Session.objects.values("subject").distinct().count()) == (20, 20)


def test_all_are_mice():
    assert Counter(Subject.objects.values_list("species", flat=True)) == {"Mus musculus": 20}


def test_background_strains():
    strains = Counter(Subject.objects.values_list("background_strain", flat=True))
    assert strains == {None: 14, "Unknown": 3, "C57BL/6J": 3}


def test_births_by_year_and_sex():
    assert set(SubjectsByBirthYear.objects.values_list("year", "sex", "subjects")) == {
        (2018, "Male", 1),
        (2022, "Female", 5),
        (2022, "Male", 3),
        (2023, "Female", 3),
        (2023, "Male", 2),
        (2024, "Female", 1),
        (2024, "Male", 2),
        (2025, "Male", 3),
    }
    assert Subject.objects.born_in(2022).count() == 8


def test_sex_birth_and_genotype_equal_each_file(folder):
    result = {}
    for document in documents(folder).values():
        details = document.get("subject_details", document)
        result[document["subject_id"]] = (details["date_of_birth"], details["sex"], details["genotype"])
    rows = Subject.objects.values_list("subject_id", "date_of_birth", "sex", "genotype")
    assert {key: (born.isoformat(), *rest) for key, born, *rest in rows} == result


def test_a_session_keeps_its_document(folder):
    stored = {s.name: (s.subject_id, s.schema_version, s.document) for s in Session.objects.all()}
    assert stored == {n: (d["subject_id"], d["schema_version"], d) for n, d in documents(folder).items()}
    versions = sorted({tuple(map(int, s.schema_version.split("."))) for s in Session.objects.all()})
    assert (versions[0], versions[-1]) == ((0, 2, 2), (2, 2, 1))


def test_a_repeated_import_of_the_folders_changes_nothing(folder):
    assert imported("import_subjects", folder).counts == UNCHANGED


def test_folders_and_files_can_be_imported_one_by_one(folder):
    Session.objects.all().delete()
    Subject.objects.all().delete()
    for number, path in enumerate(sorted(folder.glob("*/subject.json"), reverse=True)):
        imported("import_subjects", path if number % 2 else path.parent)
    test_births_by_year_and_sex()
    test_sex_birth_and_genotype_equal_each_file(folder)
    assert imported("import_subjects", folder).counts == UNCHANGED


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "clothed",
    [
        lambda document: json.dumps(document, separators=(",", ":")).encode(),
        lambda document: "\ufeff".encode() + json.dumps(document, indent=1, ensure_ascii=False).encode(),
        lambda document: json.dumps(document, indent="\t").replace("\n", "\r\n").encode() + b"\r\n\r\n",
        lambda document: b"\n\n" + json.dumps([document]).encode(),
    ],
    ids=["compact", "BOM", "CRLF", "in an array"],
)
def test_the_same_documents_in_other_formats_change_nothing(clothed, folder, tmp_path):
    for name, document in documents(folder).items():
        (tmp_path / "again" / name).mkdir(parents=True)
        (tmp_path / "again" / name / "subject.json").write_bytes(clothed(document))
    assert imported("import_subjects", tmp_path / "again").counts == UNCHANGED


def test_wrapped_documents_give_the_same_subjects(folder, tmp_path):
    for name, document in documents(folder).items():
        (tmp_path / "again" / name).mkdir(parents=True)
        (tmp_path / "again" / name / "subject.json").write_text(json.dumps({"message": "Valid", "data": document}))
    report = imported("import_subjects", tmp_path / "again").counts
    assert report == UNCHANGED | {"sessions": {"read": 20, "updated": 20}}


EARLY, LATE = (
    "Emx1-IRES-Cre;Camk2a-tTA;Ai93(TITL-GCaMP6f)",
    "Emx1-IRES-Cre/wt;Camk2a-tTA/wt;Ai93(TITL-GCaMP6f)/wt",
)
SHAPES = {
    "0.1.0": ("12345", date(1991, 1, 25), "Callithrix jacchus", "Male", "C57BL/6J", EARLY),
    "0.2.2": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", EARLY),
    "0.2.3": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", EARLY),
    "0.3.1": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", EARLY),
    "0.3.3": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", EARLY),
    "0.4.0": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", EARLY),
    "0.5.2": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", LATE),
    "0.5.10": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", LATE),
    "1.0.3": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", LATE),
    "2.0.2": ("12345", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", LATE),
    "2.3.3": ("123456", date(2022, 11, 22), "Mus musculus", "Male", "C57BL/6J", LATE),
}
COLUMNS = ("subject_id", "date_of_birth", "species", "sex", "background_strain", "genotype")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("version", SHAPES)
def test_each_version_of_the_schema_gives_the_right_subject(version, real_data):
    imported("import_subjects", real_data / "subject-shapes" / f"{version}.json")
    session = Session.objects.get(schema_version=version, subject__in=["12345", "123456"])
    assert session.name == version
    assert Subject.objects.filter(pk=session.subject_id).values_list(*COLUMNS).get() == SHAPES[version]


def test_all_shapes_together_are_two_subjects_and_eleven_sessions(real_data):
    assert {path.stem for path in (real_data / "subject-shapes").iterdir()} == set(SHAPES)
    report = imported("import_subjects", real_data / "subject-shapes", pattern="*.json")
    assert report.counts == {
        "subjects": {"read": 11, "created": 2, "duplicates": 9},
        "sessions": {"read": 11, "created": 11},
    }
    # No name has a time stamp, so the names decide: 2.0.2 is the newest session of the first subject.
    assert set(Subject.objects.filter(pk__startswith="1234").values_list(*COLUMNS)) == {
        SHAPES["2.0.2"],
        SHAPES["2.3.3"],
    }
    assert [note.split(" is ")[0] for note in report["notes"]] == [
        "Subject 12345: date_of_birth",
        "Subject 12345: species",
        "Subject 12345: genotype",
    ]
