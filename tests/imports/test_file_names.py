"""Which files are read, their names, and the messages about files that are not read."""

import json
import os

import pytest

from imports.models import ImportRun, SourceFile
from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]


def mouse(subject_id, **values):
    return json.dumps({"subject_id": subject_id, "schema_version": "1.0.3", **values})


@pytest.fixture
def put(tmp_path):
    """Write a file below the test's folder of experiments; return the folder."""

    def put(name, text):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path / "data"

    return put


def sessions():
    return dict(Session.objects.order_by("name").values_list("name", "subject_id"))


def test_session_folders_with_links_to_one_store_are_separate_sessions(put, tmp_path):
    for number in "12":
        put(f"../store/{number}{number}", mouse(number))
        data = put(f"exp{number}/notes.txt", "")
        (data / f"exp{number}" / "subject.json").symlink_to(tmp_path / "store" / (number * 2))
    report = imported("import_subjects", data)
    assert report.counts["sessions"] == {"read": 2, "created": 2}
    assert sessions() == {"exp1": "1", "exp2": "2"}
    assert [f["file"] for f in report["sources"][1]["files"]] == ["exp1", "exp2"]
    # Both may also be links to the same file, and be given one by one.
    (data / "exp3").mkdir()
    (data / "exp3" / "subject.json").symlink_to(tmp_path / "store" / "11")
    imported("import_subjects", data / "exp1" / "subject.json", data / "exp3" / "subject.json")
    assert sessions() == {"exp1": "1", "exp2": "2", "exp3": "1"}


def test_a_file_in_the_current_folder_has_the_name_of_that_folder(put, monkeypatch):
    monkeypatch.chdir(put("exp1/subject.json", mouse("1")) / "exp1")
    imported("import_subjects", "subject.json")
    assert sessions() == {"exp1": "1"}


def test_links_to_folders_are_followed_once(put, tmp_path):
    data = put("exp1/subject.json", mouse("1"))
    put("../elsewhere/exp2/subject.json", mouse("2"))
    (data / "0first").symlink_to(data / "exp1")  # found before the folder itself, whose name is used
    (data / "exp1" / "circle").symlink_to(data)
    (data / "linked").symlink_to(tmp_path / "elsewhere" / "exp2")
    report = imported("import_subjects", data)
    assert sessions() == {"exp1": "1", "linked": "2"}
    result = " ".join(report["notes"])
    assert f"0first is a link to {data}/exp1, which was already read." in result
    assert f"circle is a link to {data}, which was already read." in result
    # A given link is followed, too, and so is a folder that contains only links.
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "exp4").symlink_to(data / "exp1")
    imported("import_subjects", tmp_path / "links")
    assert sessions() == {"exp1": "1", "linked": "2", "exp4": "1"}


def test_broken_links_and_other_unread_files_are_listed(put):
    data = put("exp1/subject.json", mouse("1"))
    put("exp1/procedures.json", "{}")
    (data / "exp2").mkdir()
    (data / "exp2" / "subject.json").symlink_to("/nowhere/subject.json")
    (data / "lost").symlink_to("lost")
    os.mkfifo(data / "pipe")
    assert imported("import_subjects", data)["notes"] == [
        "procedures.json was skipped because it matches no source.",
        "exp2/subject.json is a link to /nowhere/subject.json, which does not exist.",
        "lost is a link to lost, which does not exist.",
        "pipe is neither a file nor a folder.",
    ]


def test_a_broken_link_is_reported_with_its_file(put, refused):
    data = put("exp1/subject.json", mouse("1"))
    (data / "exp2").symlink_to("/nowhere/exp2")
    assert refused("subjects", data / "exp2") == f"{data}/exp2 is a link to /nowhere/exp2, which does not exist."


def test_two_folders_of_one_name_in_different_trees_are_distinguished_by_their_paths(put):
    put("tree1/rat/exp1/subject.json", mouse("1"))
    put("tree1/rat/exp2/subject.json", mouse("2", sex="neither"))
    put("tree2/rat/exp2/subject.json", mouse("3", sex="neither"))
    data = put("tree2/rat/exp1/subject.json", mouse("4"))
    report = imported("import_subjects", data)
    assert sessions() == {"tree1/rat/exp1": "1", "tree2/rat/exp1": "4"}
    name = f"tree1_rat_exp2.rejected-{report['run']}.json"  # the name that the site gives to the file of rejected rows
    fixed = data.parent / name
    fixed.write_text(mouse("2", line=1, problems="sex"))
    assert imported("import_subjects", fixed).counts["sessions"] == {"read": 1, "created": 1}
    assert sessions() == {"tree1/rat/exp1": "1", "tree2/rat/exp1": "4", "tree1/rat/exp2": "2"}
    assert report.rejected == [("tree1/rat/exp2", 1, "sex"), ("tree2/rat/exp2", 1, "sex")]
    for paths in ([data], [data / "tree1", data / "tree2"], [data / "tree2"], [data / "tree1" / "rat" / "exp1"]):
        assert "created" not in imported("import_subjects", *paths).counts["sessions"]
    assert len(sessions()) == 3


def test_a_folder_keeps_its_name_if_another_folder_has_it_too(put):
    imported("import_subjects", put("tree1/exp1/subject.json", mouse("1")))
    data = put("tree2/exp1/subject.json", mouse("2"))
    assert imported("import_subjects", data).counts["sessions"] == {"read": 2, "created": 1, "unchanged": 1}
    put("tree1/exp1/subject.json", mouse("1", sex="Male"))
    assert imported("import_subjects", data / "tree1").counts["sessions"] == {"read": 1, "updated": 1}
    assert sessions() == {"exp1": "1", "tree2/exp1": "2"}


def test_only_subject_json_in_a_folder_is_a_subject_document(put):
    for name in ("procedures", "data_description", "session", "rig", "metadata.nd"):
        put(f"exp1/{name}.json", mouse("9", describes=name))
    data = put("exp1/Subject.json", mouse("1"))
    report = imported("import_subjects", data)
    assert sessions() == {"exp1": "1"}
    assert len(report["notes"]) == 5
    assert all("was skipped because it matches no source" in note for note in report["notes"])


def test_a_json_file_that_is_named_or_matches_the_pattern_is_a_subject_document(put):
    put("exp1/procedures.json", "{}")
    put("exp2/m2.json", mouse("2"))
    data = put("exp1/m1.json", mouse("1"))
    imported("import_subjects", data, pattern="M1*.json")
    assert sessions() == {"m1": "1"}
    imported("import_subjects", data / "exp2" / "m2.json")
    assert sessions() == {"m1": "1", "m2": "2"}
    report = imported("import_subjects", data, pattern=["m1.json", "m2.json"])
    assert report.counts["sessions"] == {"read": 2, "unchanged": 2}
    assert [n for n in report["notes"] if "procedures.json" in n]


@pytest.mark.parametrize("indent", [None, 1], ids=["on one line", "on many"])
@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_file_of_several_documents_makes_a_session_of_each(form, indent, put):
    documents = [{"subject_id": str(n), "sex": "Male"} for n in range(1, 13)]
    bad = [*documents[:2], {"subject_id": "x", "sex": "neither"}, *documents[3:]]

    def text(items):
        if form == "lines":
            return ("\n" * (indent or 0)).join(json.dumps(document) + "\n" for document in items)
        return json.dumps(items, indent=indent)

    report = imported("import_subjects", put("exp1/subject.json", text(bad)))
    assert report.counts["sessions"] == {"read": 11, "created": 11}
    assert sessions() == {"exp1": "1"} | {f"exp1#{n}": str(n) for n in range(2, 13) if n != 3}
    ((file, line, column),) = report.rejected
    assert (file, column) == ("exp1", "sex") and (line == 3 if indent is None else line > 3)
    # The fixed row is imported by itself and becomes the same session.
    run = ImportRun.objects.get()
    fixed = json.dumps({"subject_id": "3", "sex": "Male", "line": line, "problems": "sex"})
    path = put(f"../fixed/exp1.rejected-{run.pk}.json", fixed) / f"../fixed/exp1.rejected-{run.pk}.json"
    assert imported("import_subjects", path).counts["sessions"] == {"read": 1, "created": 1}
    assert sessions()["exp1#3"] == "3"
    report = imported("import_subjects", put("exp1/subject.json", text(documents)))
    assert report.counts["sessions"] == {"read": 12, "unchanged": 12}


def test_documents_on_one_line_are_separate(put):
    data = put("exp1/subject.json", f"[{mouse('1', sex='Male')}, {mouse('1', sex='Female')}]")
    report = imported("import_subjects", data)
    assert Subject.objects.get().sex == "Female"
    assert report["notes"] == ["Subject 1: sex is Female in the newest session exp1#2, but Male in exp1."]
    assert [s.document["sex"] for s in Session.objects.order_by("name")] == ["Male", "Female"]


@pytest.fixture
def odd(tmp_path):
    """A folder whose name is not UTF-8, with an experiment and a file that matches no source."""
    folder = os.fsencode(tmp_path) + b"/exp\xe9"
    try:
        os.mkdir(folder)
    except OSError:
        pytest.skip("this file system has no names that are not UTF-8")
    for name, text in ((b"subject.json", mouse("1")), (b"notes\xff.txt", "")):
        with open(folder + b"/" + name, "w") as file:
            file.write(text)
    return folder


def test_names_that_are_not_utf_8_are_listed_escaped(odd):
    report = imported("import_subjects", os.fsdecode(odd))
    assert report["notes"] == [r"notes\xff.txt was skipped because it matches no source."]
    assert sessions() == {r"exp\xe9": "1"}
    assert set(SourceFile.objects.values_list("name", flat=True)) == {r"exp\xe9"}


def test_a_file_whose_name_is_not_utf_8_is_refused_without_a_run(odd, refused, manage):
    assert refused("subjects", os.fsdecode(odd + b"/none")).endswith(
        r"exp\xe9/none does not exist. Expected a file or a folder."
    )
    assert r"notes\xff.txt does not match any source" in refused("subjects", os.fsdecode(odd + b"/notes\xff.txt"))
    process = manage("import_subjects", os.fsdecode(odd))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "") and r"sessions (exp\xe9): 1 read, 1 created" in out
    assert not ImportRun.objects.filter(status="running").exists()
