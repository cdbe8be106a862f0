"""The dashboard receives files, finds their dataset by their columns, and leads to its import with the files kept."""

import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.models import ImportRun

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
FORM = "/admin/imports/importrun/import/"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
USERS = "user_id,name,email,signup_date\n1,Alice,alice@example.com,2023-01-01\n"


def drop(client, **files: str):
    """Post files, as the form of the dashboard does."""
    return client.post(
        FORM, {"files": [SimpleUploadedFile(f"{name}.csv", text.encode()) for name, text in files.items()]}
    )


def chosen(answer) -> list[str]:
    return re.findall(r'<option value="(\w*)" selected', answer.text)


def keys(answer) -> list[str]:
    return list(map(unescape, re.findall(r'name="stored" value="([^"]+)"[^>]* checked', answer.text)))


@pytest.mark.parametrize(
    "files",
    [{"new": PEOPLE}, {"a": PEOPLE, "b": PLACES}, {"users": PEOPLE}, {"people": "given_name,born\nAnn,1901\n"}],
    ids=["by columns", "two tables of a dataset", "columns before the name", "by name"],
)
def test_files_lead_to_the_import_of_their_dataset_and_are_kept(curator, files):
    dashboard = curator.get("/admin/").text
    assert f'action="{FORM}"' in dashboard and 'type="file" name="files"' in dashboard
    answer = drop(curator, **files)
    assert answer.status_code == 200 and chosen(answer) == ["people"] and "errornote" not in answer.text
    assert [key.rpartition(":")[2] for key in keys(answer)] == [f"{name}.csv" for name in files]
    assert not ImportRun.objects.exists()
    sent = {"dataset": "people", "encoding": "utf-8", "stored": keys(answer)}
    assert curator.post(FORM, sent).status_code == 302
    assert [upload["name"] for upload in ImportRun.objects.get().uploads] == [f"{name}.csv" for name in files]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"shopping": "milk,eggs\n"}, "shopping.csv has neither the columns nor the name of a dataset's file."),
        ({"a": PLACES, "b": USERS}, "The files belong to different datasets (a.csv: People; b.csv: Experiments)."),
        ({"image": "\x89PNG\0\0"}, "image.csv has neither the columns nor the name"),
    ],
)
def test_files_of_no_single_dataset_are_kept_and_the_user_chooses(curator, files, message):
    answer = drop(curator, **files)
    assert answer.status_code == 400 and message in unescape(answer.text)
    assert chosen(answer) == [""] and "Choose a dataset</option>" in answer.text
    assert len(keys(answer)) == len(files)


def test_files_that_fit_several_datasets_are_kept_and_the_user_chooses(curator, monkeypatch):
    monkeypatch.setattr("imports.fitting_datasets.matches", lambda *arguments: False)
    monkeypatch.setattr("imports.fitting_datasets.find_uploads", lambda *arguments: [])
    answer = drop(curator, a=PLACES)
    datasets = "Census or Experiments or People or Subjects"
    assert (
        answer.status_code == 400 and f"The files fit several datasets: {datasets}. Choose the dataset." in answer.text
    )
    assert chosen(answer) == [""] and len(keys(answer)) == 1


def test_a_form_without_a_file_is_refused(curator):
    assert "Choose a file that is not empty." in drop(curator).text
    assert "Choose a file that is not empty." in drop(curator, people="").text


def test_an_account_that_may_not_import_has_no_drop_zone(staff):
    client = staff("view_place", "view_importrun")
    assert "drop-files" not in client.get("/admin/").text
    assert drop(client, places=PLACES).status_code == 403
