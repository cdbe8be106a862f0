"""Concatenated files: the message of the rejected row reports the header of another file."""

import pytest

from tests.imports.engine.test_absent_columns import census

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland"
JOINED = "The header of another file follows on the same line. Insert a line break before it."
OTHER = "This line is the header of a file with other columns. Import that file separately."


def message(report) -> str:
    return report["rejections"][0]["problems"][0]["message"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "heading",
    [
        "city,county,country",
        '"city","county","country"',
        "City,County",
        "city,county,country,notes",
        "country,city,county,population,notes",
    ],
)
@pytest.mark.parametrize("last", ["Derry,Derry,Ulster", 'Derry,Derry,"Ulster"'])
def test_a_heading_of_another_file_that_follows_the_last_row_is_reported(write, importing, mark, heading, last):
    report = importing("people", write("places.csv", f"{PLACES}\n{last}{mark}{heading}\n"))
    assert report.counts == {"places": {"read": 2, "created": 1, "rejected": 1}}
    assert message(report).endswith(JOINED) and report["rejections"][0]["line"] == 3


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("heading", ["city,county", "city,county,country,notes", '"city","county","country","a","b"'])
def test_a_heading_of_another_file_with_more_or_fewer_columns_is_reported(write, importing, mark, heading):
    report = importing("people", write("places.csv", f"{PLACES}\n{mark}{heading}\n"))
    assert message(report).endswith(OTHER) and report["rejections"][0]["line"] == 3


def test_a_heading_with_one_more_column_is_not_a_joined_line(write, importing):
    short = census({"income": "income", "occupation": None})
    assert message(importing("census", write("census.csv", short + census()))).endswith(OTHER)
    assert message(importing("census", write("adult.csv", short.rstrip("\n") + census()))).endswith(JOINED)


@pytest.mark.parametrize("row", ["a,b,c,d,e", "a,b,country,d,e", "a,b,c,country,country", 'a,b,"c"d'])
def test_a_row_with_too_many_cells_is_not_a_heading(write, importing, row):
    report = importing("people", write("places.csv", f"{PLACES}\n{row}\n"))
    assert "heading" not in message(report)
