"""A broken line in a file with one document per line is one rejected row; the other documents are imported."""

import json

import pytest

from subjects.models import Session, Subject
from tests.import_helpers import imported

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]

BROKEN = {
    "a missing value": ('{"subject_id": }', 'column 16: expected a value, found "}"'),
    "a missing comma": ('{"subject_id": "x" "sex": "Male"}', "column 20: expected a comma or a closing bracket"),
    "cut off in a text": ('{"subject_id": "x', "column 16: expected a closing quote"),
    "cut off after a comma": ('{"subject_id": "x",', "found the end of the line"),
    "cut off in a list": ('{"subject_id": "x", "list": [', "expected a value, found the end of the line"),
    "no object": ("mouse", "column 1: expected a JSON object"),
    "a list": ('[{"subject_id": "x"}]', "column 1: expected a JSON object"),
    "NaN": ('{"subject_id": "x", "weight": NaN}', "column 31: expected a JSON number"),
    "levels without an end": ('{"a":' * 20_000, "expected at most 64 levels"),
}


@pytest.fixture
def file(tmp_path):
    """A function that writes lines to a file with a document on each line."""

    def file(*lines, end="\n"):
        path = tmp_path / "nd.json"
        path.write_text(end.join(lines), encoding="utf-8", newline="")
        return path

    return file


def mice(*numbers):
    return [json.dumps({"subject_id": str(number), "sex": "Male"}) for number in numbers]


def subjects():
    return list(Subject.objects.order_by("pk").values_list("pk", flat=True))


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_is_one_rejected_row_with_its_position(file, case):
    line, message = BROKEN[case]
    for place in (0, 4, 2):
        if place == 0 and case == "a list":
            continue  # a file that begins with a bracket is an array
        lines = mice(1, 2, 3, 4)
        lines.insert(place, line)
        report = imported("import_subjects", file(*lines, end="\r\n" if place else "\n"), dry_run=place != 2)
        assert [row[1] for row in report.rejected] == [place + 1]
        (problem,) = report["rejections"][0]["problems"]
        said_here = message.replace("end of the line", "end of the file") if place == 4 else message
        assert f"line {place + 1}, column" in problem["message"] and said_here in problem["message"]
        assert report.counts["subjects"] == {"read": 5, "created": 4, "rejected": 1}
    assert subjects() == ["1", "2", "3", "4"]


def test_a_line_with_an_extra_bracket_keeps_its_document(file):
    report = imported("import_subjects", file('{"subject_id": "1"}}', *mice(2)))
    (message,) = [problem["message"] for row in report["rejections"] for problem in row["problems"]]
    assert "object 2, line 1, column 20: expected a JSON object" in message and subjects() == ["1", "2"]


def test_each_broken_line_is_a_rejected_row(file):
    first, *others = mice(1, 2, 3)
    lines = [first, '{"subject_id": "x",', '{"subject_id": ', "", others[0], '{"a" 1}', "mouse", others[1], '{"a": "']
    report = imported("import_subjects", file(*lines))
    assert [row[1] for row in report.rejected] == [2, 3, 6, 7, 9]
    assert subjects() == ["1", "2", "3"] and Session.objects.count() == 3


def test_the_earlier_records_of_a_broken_line_are_not_missing(file):
    imported("import_subjects", file(*mice(1, 2, 3)))
    report = imported("import_subjects", file(mice(1)[0], '{"subject_id": ', mice(3)[0]), delete_missing=True)
    assert report["missing"] == [] and subjects() == ["1", "2", "3"]
    assert Session.objects.count() == 3


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"subject_id": "1",\n "sex" "Male"}\n', 2, 8),
        ('{\n"subject_id": "1",\n"sex": }\n{"subject_id": "2"}', 3, 8),
        ('{"subject_id": "1"}\n{"subject_id":\n"2"}\n{"subject_id": "3"}', 2, 1),
        ('[{"subject_id": "1"},\n{"subject_id": },\n{"subject_id": "3"}]', 2, 16),
        ('[{"subject_id": "1"},\n{"subject_id": "2"}', 2, 20),
        ('{"subject_id":\n"1"}\n{"subject_id": "2"}', 3, 1),
    ],
)
def test_a_file_with_an_unknown_start_of_the_next_document_is_rejected(file, text, line, column):
    report = imported("import_subjects", file(text))
    assert [row[1] for row in report.rejected] == [line] and subjects() == []
    assert f"line {line}, column {column}: expected" in report["rejections"][0]["problems"][0]["message"]


@pytest.mark.parametrize("between", [" ", "", "\t"])
def test_each_of_several_documents_on_a_line_is_read(file, between):
    report = imported("import_subjects", file(between.join(mice(1, 2, 3))))
    assert subjects() == ["1", "2", "3"] and report["rejections"] == []
    assert list(Session.objects.order_by("name").values_list("name", flat=True)) == ["nd", "nd#2", "nd#3"]


def test_a_line_beyond_the_limit_and_a_broken_line_do_not_affect_others(file, settings):
    settings.DOCUMENT_LIMIT = 100
    first, second, third = mice(1, 2, 3)
    cut = '{"subject_id": "' + "x" * 500
    report = imported("import_subjects", file(first, cut, second, '{"subject_id": "', second, "}]}", third))
    assert [row[1] for row in report.rejected] == [2, 4, 6] and subjects() == ["1", "2", "3"]
    assert "at most 100 bytes" in report["rejections"][0]["problems"][0]["message"]
