"""Columns that declare how a file writes dates and numbers, and columns without a heading of their own."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from census.models import Respondent
from imports.readers import ExpectedColumns, find_layout
from imports.sources import Column, DateFormat, NumberFormat
from imports.written_forms import written_as
from people.models import Person


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        (NumberFormat(","), {"1,234": 1234, "12": 12, "1,234,567": 1234567, "1234": 1234}),
        (NumberFormat(" ", ","), {"1 234": 1234}),
        (NumberFormat(percent=True), {"12 %": 12, "12%": 12, "12": 12}),
    ],
)
def test_a_number_is_read_as_the_file_writes_it(form, cells):
    column = Column(written=form).bind("fnlwgt", Respondent)
    assert {cell: column.kind.check(cell) for cell in cells} == cells


@pytest.mark.parametrize("cell", ["1,23", "12,34", "1,2345", "1.5", "-1", "%"])
def test_another_number_is_rejected_with_the_expected_form(cell):
    column = Column(written=NumberFormat(",")).bind("fnlwgt", Respondent)
    with pytest.raises(ValueError, match=r"whole number of 0 or more, or 1,234\.5"):
        column.kind.check(cell)


def test_a_date_is_read_in_its_form_and_as_iso_date():
    column = Column(written=DateFormat("%d/%m/%Y")).bind("date_of_birth", Person)
    assert column.kind.check("01/02/1903") == column.kind.check("1903-02-01")
    for cell in ("13/13/1903", "01/02/03", "01/02/2999"):
        with pytest.raises(ValueError):
            column.kind.check(cell)


def test_forms_that_would_misread_exports_are_refused():
    with pytest.raises(ImproperlyConfigured):
        NumberFormat(".", ",")
    with pytest.raises(ImproperlyConfigured):
        written_as(Column().bind("sex", Respondent).kind, DateFormat("%Y"))


def test_columns_without_a_heading_or_with_a_repeated_one_are_numbered(tmp_path):
    path = tmp_path / "wine.csv"
    path.write_text("year,,Year,other\n1,2,3,4\n")
    names = {"year": (), "column_2": (), "year (2)": ()}
    layout = find_layout(path, ExpectedColumns(names, frozenset(names)))
    assert layout.columns == {"year": 0, "column_2": 1, "year (2)": 2} and layout.unknown == ("other",)
