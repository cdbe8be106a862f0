"""Every document of an import has a distinct name, and a folder with two names is read once."""

import json
import unicodedata

import pytest

from imports.models import ImportRun, SourceFile
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def mouse(subject_id, **values):
    return json.dumps({"subject_id": subject_id, **values})


@pytest.fixture
def data(tmp_path):
    """The test's folder of experiments, and a function that writes files into it."""

    def data(**files):
        for name, text in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "data"

    return data


def sessions():
    return dict(Session.objects.order_by("name").values_list("name", "subject_id"))


@pytest.mark.parametrize("suffix", ["named", "pattern", "file first"])
def test_a_file_and_a_folder_of_the_same_name_are_separate_sessions(data, suffix):
    folder = data(**{"X/subject.json": mouse("1"), "X.json": mouse("2")})
    pattern = {"pattern": "X*.json"} if suffix == "pattern" else {}
    paths = [folder] if pattern else [folder / "X", folder / "X.json"][:: -1 if suffix == "file first" else 1]
    imported("import_subjects", *paths, **pattern)
    assert sessions() == {"X": "1", "X.json": "2"} and Subject.objects.count() == 2
    # Each has the same name if it is imported alone.
    assert imported("import_subjects", folder / "X").counts["sessions"] == {"read": 1, "unchanged": 1}
    assert imported("import_subjects", folder / "X.json").counts["sessions"] == {"read": 1, "unchanged": 1}
    assert sessions() == {"X": "1", "X.json": "2"}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"exp2/Subject.json": "1", "exp2/SUBJECT.JSON": "2"}, {"exp2/Subject.json", "exp2/SUBJECT.JSON"}),
        ({"a/X/subject.json": "1", "b/X.json": "2", "c/X.json": "3"}, {"X", "b/X.json", "c/X.json"}),
        ({"X.json": "1", "X.JSON": "2"}, {"X.json", "X.JSON"}),
        ({"a/X/subject.json": "1", "X/subject.json": "2"}, {"a/X", "data/X"}),
        ({"data/subject.json": "1", "subject.json": "2"}, {"data/data", "data"}),
        ({"X.json/subject.json": "1", "a/X.json": "2", "X/subject.json": "3"}, {"data/X.json", "a/X.json", "X"}),
    ],
)
def test_each_document_has_the_shortest_end_of_its_path_that_distinguishes_it(data, files, names):
    folder = data(**{name: mouse(subject) for name, subject in files.items()})
    for _ in range(2):
        imported("import_subjects", folder, pattern="X*.json")
        assert set(sessions()) == names and set(sessions().values()) == set(files.values())
        assert set(SourceFile.objects.values_list("name", flat=True)) == names


def test_no_stored_name_is_a_path_from_the_root_of_the_machine(data, tmp_path):
    folder = data(**{"X/subject.json": mouse("1"), "y/X/subject.json": mouse("2"), "X.json": mouse("3")})
    imported("import_subjects", folder / "X", folder / "y" / "X", folder / "X.json")
    root = tmp_path.parts[1]
    assert len(sessions()) == 3 and not any(name.startswith((f"{root}/", "/")) for name in sessions())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (NFC, NFD, f"data/{NFC}/subject.json and data/cafe<U+0301>/subject.json"),
        ("rat1", "rat1 ", "data/rat1/subject.json and data/rat1<U+0020>/subject.json"),
        ("rat1", "rat1\u00a0", "data/rat1/subject.json and data/rat1<U+00A0>/subject.json"),
        (f"{NFC}/x", f"{NFD}/x", f"data/{NFC}/x/subject.json and data/cafe<U+0301>/x/subject.json"),
    ],
)
def test_names_that_look_the_same_are_refused_and_shown(data, refused, first, second, expected):
    folder = data(**{f"{first}/subject.json": mouse("1"), f"{second}/subject.json": mouse("2")})
    if len({path.name for path in folder.iterdir()}) < 2:
        pytest.skip("this file system has one name for both")
    sentence = refused("subjects", folder)
    assert all(path in sentence for path in expected.split(" and ")) and str(folder) not in sentence
    assert not Subject.objects.exists() and not Session.objects.exists()
    assert not ImportRun.objects.exclude(status="failed").exists()


def test_notes_show_invisible_characters_that_distinguish_two_files(data):
    folder = data(**{"a/subject.json": mouse("1"), f"{NFC}/notes.txt": "", f"{NFD}/notes.txt": ""})
    if len(list(folder.iterdir())) < 3:
        pytest.skip("this file system has one name for both")
    assert set(imported("import_subjects", folder)["notes"]) == {
        f"{NFC}/notes.txt was skipped because it matches no source.",
        "cafe<U+0301>/notes.txt was skipped because it matches no source.",
    }


@pytest.mark.parametrize("number", [2, 3])
def test_a_folder_with_the_name_of_a_document_is_a_separate_session(data, number):
    several = f"{mouse('1')}\n{mouse('2')}\n"
    folder = data(**{"multi/subject.json": several, f"multi#{number}/subject.json": mouse("3")})
    for _ in range(2):
        imported("import_subjects", folder)
        name = "data/multi#2" if number == 2 else "multi#3"
        assert sessions() == {"multi": "1", "multi#2": "2", name: "3"} and Subject.objects.count() == 3


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("file", [False, True])
def test_a_folder_that_was_read_under_another_name_is_listed(data, order, file):
    folder = data(**{"ratA/subject.json": mouse("1"), "ratB/subject.json": mouse("2")})
    (folder / "latest").symlink_to("ratA")
    link = folder / "latest" / "subject.json" if file else folder / "latest"
    report = imported("import_subjects", *[link, folder / "ratA", folder / "ratB"][::order])
    assert sessions() == {"ratA": "1", "ratB": "2"}
    result = "latest/subject.json" if file else "latest"
    (note,) = report["notes"]
    assert note.startswith(f"{result} is a link to {folder}/ratA") and note.endswith(", which was already read.")


@pytest.mark.parametrize("order", [1, -1])
def test_a_real_file_and_a_link_to_its_folder_are_one_session(data, order):
    folder = data(**{"ratA/subject.json": mouse("1")})
    (folder / "latest").symlink_to("ratA")
    (folder / "newest.json").symlink_to("ratA/subject.json")
    paths = [folder / "ratA" / "subject.json", folder / "latest", folder / "newest.json"]
    report = imported("import_subjects", *paths[::order])
    assert sessions() == {"ratA": "1"} and len(report["notes"]) == 2
    assert all("which was already read" in note for note in report["notes"])
    imported("import_subjects", folder / "latest")  # imported alone, it has the given name
    assert sessions() == {"ratA": "1", "latest": "1"}


def test_a_link_to_a_parent_of_a_given_folder_is_not_an_error(data, tmp_path):
    folder = data(**{"ratA/subject.json": mouse("1")})
    (tmp_path / "around").symlink_to("data")
    report = imported("import_subjects", tmp_path / "around", folder / "ratA")
    assert sessions() == {"ratA": "1"} and "which was already read" in report["notes"][0]


def test_hidden_files_and_folders_are_listed_and_not_read(data, refused):
    hidden = {name: mouse("9") for name in (".subject.json", ".hid/subject.json", ".git/subject.json", ".DS_Store")}
    folder = data(**{"a/subject.json": mouse("1")}, **hidden)
    assert imported("import_subjects", folder)["notes"] == [
        f"{name} was skipped because it is hidden." for name in (".DS_Store", ".git", ".hid", ".subject.json")
    ]
    assert sessions() == {"a": "1"}
    (folder / "b").mkdir()
    (folder / "b" / ".subject.json").write_text(mouse("2"))
    assert ".subject.json was skipped because it is hidden" in refused("subjects", folder / "b")
    imported("import_subjects", folder / ".hid")
    assert sessions() == {"a": "1", ".hid": "9"}


def test_the_list_of_hidden_files_is_bounded(data):
    folder = data(**{"a/subject.json": mouse("1")}, **{f".{number}": "" for number in range(1100)})
    notes = imported("import_subjects", folder)["notes"]
    assert len(notes) == 1001 and notes[-1] == "Other files and folders that were not read: 100."
