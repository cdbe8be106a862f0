"""Masked values never overwrite real values: exports declare them, imports refuse them."""

import csv
import gzip
import io
import json
import re

import openpyxl
import pyarrow.parquet
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse

from datasets.tokens import make_token
from experiments.models import User
from imports.models import ImportRun
from tests.api.conftest import Program

pytestmark = pytest.mark.only_on("sqlite")

HEADER = "user_id,name,email,signup_date\n"
USERS = f"{HEADER}1,Ann,ann@example.com,2023-05-01\n2,Bo,=bo@example.org,2023-05-02\n"
UNMASKED = r'filename="experiments-users_[0-9-]+\.csv"'
EMAILS = ["ann@example.com", "=bo@example.org"]


@pytest.fixture
def users(bring):
    bring("experiments", users=USERS)


@pytest.fixture
def analyst(staff):
    return staff("view_user", "view_sourcefile", "view_rejectedrow", "view_importrun", "add_importrun")


def emails():
    return list(User.objects.order_by("pk").values_list("email", flat=True))


def table_of(file_format: str, body: bytes) -> list[dict]:
    """The rows of a file as read by a program or a spreadsheet."""
    match file_format:
        case "csv":
            return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
        case "json":
            return json.loads(body)
        case "ndjson":
            return [json.loads(line) for line in body.splitlines()]
        case "parquet":
            return pyarrow.parquet.read_table(io.BytesIO(body)).to_pylist()
    head, *rows = openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def assert_says_that_it_is_masked(response, file_format: str) -> bytes:
    body = response.getvalue()
    assert re.search(rf'filename="experiments-users_[0-9-]+\.masked\.{file_format}"', response["Content-Disposition"])
    assert response["Masked-Columns"] == "email"
    rows = table_of(file_format, body)
    assert [row["email"] for row in rows][:1] == ["a****@example.com"]
    assert {row["masked_columns"] for row in rows} == {"email"}
    return body


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "parquet", "xlsx"])
def test_a_file_of_the_api_declares_masked_columns(analyst, users, file_format):
    assert_says_that_it_is_masked(analyst.get(f"/api/experiments/users/?format={file_format}"), file_format)


def test_a_page_of_the_api_declares_masked_columns(analyst, admin_client, users):
    for address in ("/api/experiments/users/", "/api/experiments/users/1/"):
        answer = analyst.get(address)
        assert answer["Masked-Columns"] == "email"
        name = r'inline; filename="experiments-users_[0-9-]+\.masked\.json"'
        assert re.fullmatch(name, answer["Content-Disposition"])
        assert "Masked-Columns" not in analyst.get(f"{address}?fields=name")
        assert "Masked-Columns" not in admin_client.get(address)


def test_the_description_of_the_api_documents_the_header(client, db):
    paths = client.get("/api/schema/?format=json").json()["paths"]
    of = {
        path: methods["get"]["responses"]["200"].get("headers", {})
        for path, methods in paths.items()
        if "get" in methods
    }
    assert "Masked-Columns" in of["/api/experiments/users/"] and "Masked-Columns" not in of["/api/people/people/"]


@pytest.mark.parametrize("file_format", ["csv", "json", "ndjson", "parquet", "xlsx"])
def test_a_file_of_the_admin_and_of_explore_declares_masked_columns(analyst, users, file_format):
    chosen = {"action": f"export_as_{file_format}", "_selected_action": [1, 2]}
    assert_says_that_it_is_masked(analyst.post("/admin/experiments/user/", chosen), file_format)
    address = f"/explore/experiments/users/export/file?format={file_format}"
    assert_says_that_it_is_masked(analyst.get(address), file_format)
    page = analyst.get(f"/explore/experiments/users/export/?format={file_format}").text
    name = rf"experiments-users_[0-9-]+\.masked\.{file_format}"
    assert re.search(f"Download {name}", page) and re.search(name, page.partition('id="command"')[2])


def test_an_unmasked_file_does_not_declare_masked_columns(admin_client, analyst, users):
    answer = admin_client.get("/api/experiments/users/?format=csv")
    assert re.search(UNMASKED, answer["Content-Disposition"]) and b"masked" not in answer.getvalue()
    answer = analyst.get("/api/experiments/users/?format=csv&fields=user_id,name")  # the file has no masked values
    assert re.search(UNMASKED, answer["Content-Disposition"]) and b"masked" not in answer.getvalue()


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("users.csv", "users.masked.csv"),
        ("users.csv.gz", "users.masked.csv.gz"),
        ("out", "out.masked"),
        ("my masked users.json", "my masked users.json"),
    ],
)
def test_a_file_of_the_command_declares_masked_columns(users, tmp_path, capsys, arguments, written):
    call_command("export", "experiments/users", "-o", str(tmp_path / arguments), verbosity=0)
    assert [path.name for path in tmp_path.iterdir() if path.is_file() and path.name.endswith(written)] == [written]
    assert arguments == written or not (tmp_path / arguments).exists()
    assert (written in capsys.readouterr().err) == (arguments != written)
    body = (tmp_path / written).read_bytes()
    body = gzip.decompress(body) if written.endswith(".gz") else body
    assert {row["masked_columns"] for row in table_of("json" if "json" in written else "csv", body)} == {"email"}


def test_standard_output_declares_masked_values_in_a_column(users, manage):
    out, error = manage("export", "experiments/users", "--columns", "user_id,email", "-o", "-").communicate()
    assert out.splitlines()[:2] == ["user_id,email,masked_columns", "1,a****@example.com,email"] and not error


# Files that an account without the permission can export, and every way to import them.


@pytest.mark.parametrize("as_spreadsheet", [False, True])
def test_the_command_refuses_a_masked_file_and_changes_nothing(analyst, users, write, refused, as_spreadsheet):
    chosen = {"action": "export_as_csv", "_selected_action": [1, 2]}
    answer = analyst.post("/admin/experiments/user/", chosen) if as_spreadsheet else None
    body = (answer or analyst.get("/api/experiments/users/?format=csv")).getvalue()
    message = refused("experiments", write("users.masked.csv", body))
    assert message.startswith('users.masked.csv, line 2: email is masked ("a****@example.com").')
    assert "users.masked.csv" in refused("experiments", "--dry-run", write("users.masked.csv", body))
    # The name and the declaration do not matter: the values are checked.
    rows = [line.rpartition(",")[0] for line in body.decode("utf-8-sig").splitlines()]
    assert "email is masked" in refused("experiments", write("users.csv", "\n".join(rows)))
    assert emails() == EMAILS


@pytest.mark.parametrize("value", ["a****@example.com", "****@example.com", "=****@b.org", "'=****@b.org", "****"])
def test_a_masked_value_anywhere_in_a_file_is_refused(users, write, refused, value):
    message = refused(
        "experiments", write("users.csv", f"{USERS}3,Cy,cy@example.com,2023-05-03\n4,Di, {value} ,2023-05-03")
    )
    assert message.startswith("users.csv, line 5: email is masked") and "Export the table again" in message
    assert emails() == EMAILS


def test_asterisks_in_other_columns_and_in_addresses_are_not_masked_values(users, write, importing):
    row = "3,a****@example.com,star*star@example.com,2023-05-03\n"
    assert importing("experiments", write("users.csv", USERS + row)).counts["users"]["created"] == 1


def test_the_browser_and_the_api_refuse_a_masked_file(analyst, users, etl):
    body = analyst.get("/api/experiments/users/?format=csv").getvalue()
    upload = {"dataset": "experiments", "files": SimpleUploadedFile("users.masked.csv", body), "encoding": "utf-8"}
    analyst.post(reverse("admin:imports_importrun_import"), upload)
    call_command("worker", batch=True)
    etl.send(dataset="experiments", mode="apply", files={"users.masked": body.decode()})
    call_command("worker", batch=True)
    first, second = ImportRun.objects.order_by("-pk")[:2]
    assert first.status == second.status == "failed"
    assert "line 2: email is masked" in first.error and "line 2: email is masked" in second.error
    assert emails() == EMAILS


@pytest.mark.both_engines
def test_a_masked_file_is_imported_after_its_values_are_replaced(analyst, users, write, importing):
    body = analyst.get("/api/experiments/users/?format=csv&fields=user_id,name,email,signup_date").getvalue().decode()
    for address in EMAILS:
        body = body.replace(f"{address[0]}****@{address.partition('@')[2]}", address)
    report = importing("experiments", write("users.masked.csv", body))
    assert report["sources"][0]["read"] == 2 and emails() == EMAILS
    assert not report["sources"][0]["files"][0]["unknown_columns"]


@pytest.fixture
def etl(db, django_user_model):
    user = django_user_model.objects.create_superuser("etl")
    return Program(headers={"authorization": f"Bearer {make_token(user, 'nightly', ['read', 'import'])[1]}"})


def test_rejected_rows_declare_masked_addresses_and_are_refused(analyst, write, importing, refused):
    bad = f"{HEADER}1,Ann,ann@example.com,never\n2,bo@example.org,bo@example.org,never\n"
    run = ImportRun.objects.get(pk=importing("experiments", write("users.csv", bad))["run"])
    file = run.files.get()
    for address in (
        f"/admin/imports/importrun/file/{file.pk}/rejected/",
        f"/api/imports/{run.pk}/rejections/?format=csv",
    ):
        answer = analyst.get(address)
        assert f'filename="users.csv.rejected-{run.pk}.masked.csv"' in answer["Content-Disposition"]
        body = answer.getvalue().decode("utf-8-sig")
        assert {row["masked_columns"] for row in csv.DictReader(io.StringIO(body))} == {"email"}
        fixed = body.replace("never", "2024-01-05")
        assert "email is masked" in refused("experiments", write(f"users.csv.rejected-{run.pk}.masked.csv", fixed))
        fixed = fixed.replace("a****@example.com", "ann@example.com").replace(",b****@example.org,20", ",bo@b.org,20")
        message = refused("experiments", write(f"users.csv.rejected-{run.pk}.masked.csv", fixed))
        assert 'name is masked ("b****@example.org")' in message
    lines = analyst.get(f"/api/imports/{run.pk}/rejections/?format=ndjson").getvalue().splitlines()
    assert {json.loads(line)["masked_columns"] for line in lines} == {"email"}


def test_a_form_refuses_a_masked_value(admin_client, users):
    fields = {"name": "Ann", "email": "a****@example.com", "signup_date": "2023-05-01"}
    page = admin_client.post("/admin/experiments/user/1/change/", fields)
    assert "This value is masked. Enter the full value." in page.text
    data = {"select_across": "1", "field": "email", "value": "a****@example.com", "_preview": "x"}
    assert "This value is masked" in admin_client.post("/admin/experiments/user/bulk/", data).text
    assert emails() == EMAILS
