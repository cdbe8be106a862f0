"""The stored files of a run are downloaded, and a line is shown with the lines around it."""

import pytest
from django.core.management import call_command

from experiments.models import User
from imports.input_files import stored
from imports.models import ImportRun, SourceFile
from tests.curation.run_pages import plain

pytestmark = pytest.mark.only_on("sqlite")

PLACES = 'city,county,country\r\nKelso,Roxburghshire,Scotland\r\n"Ayr\t<b>",Ayrshire,Scotland\r\n'
USERS = "user_id,name,email,signup_date\n" + "".join(
    f"{n},Ann {n},ann{n}@example.org,2023-01-01\n" for n in range(1, 9)
)
SEES_PLACES = ("view_sourcefile", "view_importrun", "view_place", "view_person")


def address(file, line=None):
    return f"/admin/imports/sourcefile/{file.pk}/" + (f"line/{line}/" if line else "download/")


def answer_of(client, url):
    """Close the file of a response, and return its status."""
    answer = client.get(url)
    answer.close()
    return answer.status_code


@pytest.fixture
def places(bring):
    bring("people", places=PLACES)
    return SourceFile.objects.get()


@pytest.fixture
def users(bring):
    bring("experiments", users=USERS)
    return SourceFile.objects.get()


def test_the_bytes_of_a_file_are_downloaded(places, admin_client):
    answer = admin_client.get(address(places))
    assert b"".join(answer.streaming_content) == PLACES.encode()
    assert answer["Content-Disposition"] == 'attachment; filename="places.csv"'
    assert answer["Content-Type"] == "application/octet-stream" and answer["X-Content-Type-Options"] == "nosniff"


def test_the_name_of_a_download_is_safe(places, admin_client):
    SourceFile.objects.update(original_name='a/b"ü\r\nx.csv')
    answer = admin_client.get(address(places))
    answer.close()
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''a_b%22%C3%BC%0D%0Ax.csv"


def test_a_line_is_shown_with_three_lines_around_it(users, admin_client):
    answer = admin_client.get(address(users, 5))
    assert [line["number"] for line in answer.context["lines"]] == [2, 3, 4, 5, 6, 7, 8]
    page = plain(answer)
    assert "5 4,Ann 4,ann4@example.org,2023-01-01" in page and "8,Ann 8" not in page
    assert '<tr aria-current="true"><th scope="row">5</th>' in answer.text
    assert "The file has no line 99." in admin_client.get(address(users, 99)).text


def test_a_line_is_escaped(places, admin_client):
    assert "&quot;Ayr\t&lt;b&gt;&quot;,Ayrshire,Scotland" in admin_client.get(address(places, 3)).text


@pytest.mark.parametrize("change", ["removed", "altered"])
def test_a_file_whose_bytes_are_missing_is_not_sent(places, admin_client, change):
    path = stored(places.sha256).path
    path.unlink()
    if change == "altered":
        path.write_bytes(PLACES.replace("Kelso", "Leith").encode())
    answer = admin_client.get(address(places))
    assert answer.status_code == 404 and "The stored file no longer exists, or its bytes have changed" in answer.text
    if change == "removed":
        assert admin_client.get(address(places, 2)).status_code == 404


def test_a_file_needs_the_permission_to_see_all_that_it_may_contain(places, staff):
    for missing in SEES_PLACES:
        client = staff(*(name for name in SEES_PLACES if name != missing))
        assert [client.get(address(places, line)).status_code for line in (None, 2)] == [403, 403], missing
    client = staff(*SEES_PLACES)
    assert [answer_of(client, address(places, line)) for line in (None, 2)] == [200, 200]
    assert client.get("/admin/imports/sourcefile/9999/download/").status_code == 404


def test_a_file_with_personal_data_needs_the_permission_to_see_them(users, staff):
    seen = ["view_sourcefile", "view_importrun", "view_user", "view_compound", "view_userexperiment"]
    client = staff(*seen)
    assert [client.get(address(users, line)).status_code for line in (None, 2)] == [403, 403]
    run = ImportRun.objects.get()
    for page in (
        "/admin/experiments/user/1/history/",
        "/admin/experiments/user/1/change/",
        f"/admin/imports/importrun/{run.pk}/change/",
        f"/admin/imports/sourcefile/{users.pk}/change/",
    ):
        text = client.get(page).text
        assert "/line/" not in text and "/download/" not in text, page
    assert answer_of(staff(*seen, "view_email"), address(users)) == 200


def test_pages_link_to_files_and_lines(users, admin_client):
    run = ImportRun.objects.get()
    for page, link in (
        ("/admin/experiments/user/1/history/", address(users, 2)),
        ("/admin/experiments/user/1/change/", address(users, 2)),
        (f"/admin/imports/importrun/{run.pk}/change/", address(users)),
        (f"/admin/imports/sourcefile/{users.pk}/change/", address(users)),
    ):
        assert f'href="{link}"' in admin_client.get(page).text, page
    listed = admin_client.get("/admin/imports/sourcefile/", {"run__id__exact": run.pk})
    assert [file.pk for file in listed.context["cl"].result_list] == [users.pk]


def test_a_rejected_row_links_to_its_line(bring, admin_client):
    bring("experiments", users=USERS.replace("4,Ann 4,ann4@example.org,2023-01-01", "4,Ann 4,ann4@example.org,never"))
    file, run = SourceFile.objects.get(), ImportRun.objects.get()
    page = admin_client.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": "rejected"}).text
    assert f'<a href="{address(file, 5)}">line 5</a>' in page


def test_a_fixed_row_shows_its_line_in_the_original_file(bring, write, admin_client):
    bring("experiments", users=USERS.replace("4,Ann 4,ann4@example.org,2023-01-01", "4,Ann 4,ann4@example.org,never"))
    original = SourceFile.objects.get()
    rejected = admin_client.get(f"/admin/imports/importrun/file/{original.pk}/rejected/")
    fixed = b"".join(rejected.streaming_content).replace(b"never", b"2023-01-01")
    call_command("import_experiments", write(f"users.csv.rejected-{original.run_id}.csv", fixed), verbosity=0)
    user = User.objects.get(pk=4)
    assert (user.created_in.original_name, user.created_line) == (f"users.csv.rejected-{original.run_id}.csv", 5)
    page = plain(admin_client.get(address(user.created_in, 5)))
    assert "This row was fixed in users.csv.rejected-" in page and "4,Ann 4,ann4@example.org,never" in page


def test_a_json_file_shows_its_lines(write, importing, admin_client):
    write("mice/a/subject.json", '{\n "subject_id": "1",\n "sex": "Male"\n}\n')
    importing("subjects", write("mice/b/subject.json", '{"subject_id": "2"}').parents[1])
    file = SourceFile.objects.filter(source="subjects").order_by("pk").first()
    assert '"sex": "Male"'.replace('"', "&quot;") in admin_client.get(address(file, 1)).text
