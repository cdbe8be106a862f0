"""The admin of imports, and the properties of every list in the admin."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

import config.urls  # noqa: F401 - registers the admins
from census.models import Respondent
from curation.admin import RecordAdmin, list_defaults
from datasets.models import MaterializedView, Record, Vocabulary
from experiments.models import User
from imports.models import ImportRun, RejectedRow, SourceFile
from people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def file():
    run = ImportRun.objects.create(dataset="people", status=ImportRun.Status.APPLIED)
    return SourceFile.objects.create(
        run=run, source="people", name="people.csv", original_name="people.csv", sha256="ab", size=1, read=3, rejected=2
    )


def reject(file, line):
    problem = {"column": "date_of_birth", "value": "soon", "message": "Expected a date, found soon."}
    values = {"given_name": "Ann <b>", "date_of_birth": "soon"}
    return RejectedRow.objects.create(file=file, line=line, values=values, problems=[problem])


def test_every_table_and_view_is_in_the_admin(admin_client):
    models = [model for model in apps.get_models() if issubclass(model, Record | Vocabulary | MaterializedView)]
    assert len(models) > 15
    for model in [*models, ImportRun, SourceFile, RejectedRow]:
        assert admin.site.is_registered(model), model
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert admin_client.get(address, {"q": "2022"}).status_code == 200


@pytest.mark.only_on("sqlite")
def test_a_table_without_its_own_admin_has_lists_and_filters_by_its_fields():
    default = admin.site.get_model_admin(User)
    assert type(default) is RecordAdmin
    assert default.list_display == ["user_id", "name", "email", "signup_date", "corrected"]
    assert default.filter_columns == ["signup_date"] and default.date_hierarchy == "signup_date"
    assert admin.site.get_model_admin(Person).autocomplete_fields == ["place_of_birth"]
    respondent = list_defaults.filter_columns(Respondent)
    assert {"age", "sex", "education", "income_over_50k"} < {*respondent} and "id" not in respondent


@pytest.mark.only_on("sqlite")
def test_a_run_links_to_its_files_and_rejected_rows(admin_client, file):
    reject(file, 4)
    page = admin_client.get(f"/admin/imports/importrun/{file.run_id}/change/?tab=rejected").text
    assert "people.csv" in page
    assert "Expected a date, found soon." in page
    address = f"/admin/imports/rejectedrow/?file__id__exact={file.pk}"
    rejected = admin_client.get(address).text
    assert "date_of_birth &quot;soon&quot; Expected a date, found soon." in rejected
    assert "given_name: Ann &lt;b&gt;" in rejected


@pytest.mark.only_on("sqlite")
def test_a_malformed_row_is_shown_as_text(admin_client, file):
    problem = {"column": None, "value": None, "message": "Expected 4 cells, found 2."}
    row = RejectedRow.objects.create(file=file, line=9, values="Ann,Mac", problems=[problem])
    page = admin_client.get(f"/admin/imports/rejectedrow/{row.pk}/change/").text
    assert "Expected 4 cells, found 2." in page
    assert "Ann,Mac" in page


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("name", ["importrun", "sourcefile", "rejectedrow"])
def test_records_of_imports_cannot_be_edited(admin_client, file, name):
    row = reject(file, 4)
    pk = {"importrun": file.run_id, "sourcefile": file.pk, "rejectedrow": row.pk}[name]
    page = admin_client.get(f"/admin/imports/{name}/{pk}/change/")
    assert page.status_code == 200 and "historylink" not in page.text
    assert admin_client.get(f"/admin/imports/{name}/add/").status_code == 403
    assert admin_client.post(f"/admin/imports/{name}/{pk}/change/", {}).status_code == 403
    assert admin_client.post(f"/admin/imports/{name}/{pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.only_on("sqlite")
def test_the_list_takes_as_many_queries_for_200_rejected_rows_as_for_10(admin_client, file):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/imports/rejectedrow/?all=").status_code == 200
        return len(captured)

    for line in range(10):
        reject(file, line)
    of_ten = queries()
    for line in range(10, 200):
        reject(file, line)
    assert queries() == of_ten
