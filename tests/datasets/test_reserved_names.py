"""Names that columns of datasets cannot have."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test.utils import isolate_apps

from census.models import Respondent
from datasets.listing import Listing
from datasets.models import Record
from datasets.records.parameter_names import PARAMETERS
from datasets.reserved_names import clashing, reserved


@pytest.mark.parametrize("name", ["search", "ordering", "fields", "format", "count", "by", "cursor", "columns", "q"])
def test_a_parameter_of_a_page_is_reserved(name):
    assert name in PARAMETERS and "parameter" in reserved(name)


@pytest.mark.parametrize(
    "name",
    [
        *("class", "import", "pk", "objects", "save", "delete", "check", "full_clean", "corrections", "created_in"),
        *("created_in_id", "created_in_file", "identity", "listing", "a__b", "a_", "_a", "Ab", "1a", "é", "a b", ""),
    ],
)
def test_names_of_python_django_and_records_are_reserved(name):
    assert reserved(name)


def test_other_names_are_free():
    assert not any(map(reserved, ["id", "name", "age", "year", "type", "final_weight", "date_of_birth", "match"]))


@isolate_apps("census")
def test_fields_and_joined_columns_of_a_model_are_checked():
    class Wine(Record):
        id = models.BigAutoField(primary_key=True)
        count = models.IntegerField()
        grape = models.CharField(max_length=10)
        listing = Listing(joined={"search": "grape__name"})

        class Meta:
            app_label, db_table = "census", "wines"

    assert sorted(clashing(Wine)) == ["count", "search"]


def test_the_system_check_names_the_column_and_the_remedy(monkeypatch):
    monkeypatch.setattr(Respondent, "listing", Listing(joined={"ordering": "education__years"}))
    with pytest.raises(SystemCheckError, match="E011") as caught:
        call_command("check", "census")
    assert "ordering cannot be the name of a column: it is a parameter of lists" in str(caught.value)
    assert "Use a name such as respondent_ordering" in str(caught.value)
