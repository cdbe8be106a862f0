"""Access to explore: permissions, logins, and the pages for forbidden and mistyped addresses."""

from html import unescape

import pytest
from django.contrib.auth.models import Group, Permission

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
TABS = (
    "",
    "count",
    "counts",
    "export/",
    "export/file",
    "columns/city/",
    "columns/city/profile",
    "columns/city/histogram",
)


@pytest.mark.parametrize("tab", TABS)
def test_an_anonymous_user_signs_in_and_returns_to_the_page(client, tab):
    address = f"/explore/people/places/{tab}?country=Scotland"
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=/explore/people/places/")
    assert client.get("/explore/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("tab", TABS)
def test_a_table_needs_the_view_permission_and_is_not_revealed_without_it(signed_in, people, tab):
    user = signed_in("nobody", name="grace")
    page = unescape(user.page(f"people/places/{tab}", status=403))
    assert "You don't have access to this table" in page and "Kelso" not in page and "people" not in page
    user.page("", status=403)


def test_the_drop_down_lists_permitted_tables(signed_in, django_user_model):
    user = signed_in("nobody", name="grace")
    may = Permission.objects.filter(codename__in=["view_place", "view_birthsbycountry"])
    django_user_model.objects.get().user_permissions.set(may)
    page = user.page("")
    assert page.count("<option") == 2
    assert 'value="people/places" selected' in page and 'value="people/births-by-country"' in page


def test_analysts_see_the_tables_and_views_of_all_datasets(signed_in):
    page = signed_in("Analysts").page("")
    for table in [
        "people/people",
        "people/births-by-country",
        "census/races",
        "experiments/users",
        "subjects/sessions",
    ]:
        assert f'value="{table}"' in page


def test_addresses_are_masked_for_analysts_and_cannot_be_filtered(signed_in, experiments):
    analyst = signed_in("Analysts")
    assert [row[2] for row in analyst.texts("experiments/users/")] == ["a****@example.com", "b****@example.org"]
    assert "experiments.view_email" in analyst.page("experiments/users/?email=alice@example.com", status=400)
    assert "experiments.view_email" in analyst.page("experiments/users/?ordering=email", status=400)
    page = analyst.page("experiments/users/")
    assert "ordering=email" not in page and 'name="email__icontains"' not in page
    file = analyst.get("/explore/experiments/users/export/file?columns=email").getvalue()
    assert file == b"email,masked_columns\na****@example.com,email\nb****@example.org,email\n"
    analyst.page("experiments/users/?search=alice")  # looks at names alone
    assert "No users match" in analyst.page("experiments/users/?search=alice")


def test_curators_see_addresses(signed_in, experiments):
    curator = signed_in("Curators")
    assert [row[2] for row in curator.texts("experiments/users/")] == ["alice@example.com", "bob@example.org"]
    assert len(curator.texts("experiments/users/?email__icontains=alice")) == 1


@pytest.mark.parametrize(
    ("address", "nearest"),
    [
        ("people/peple/", "people/people"),
        ("people/peple/export/", "people/people"),
        ("people/people/tabel/", "people/people"),
        ("places/", "people/places"),
        ("peple/", "people/people"),
        ("?table=census/respondent", "census/respondents"),
        ("?table=races", "census/races"),
    ],
)
def test_a_mistyped_address_names_the_nearest_table(reader, address, nearest):
    page = reader.page(address, status=404)
    assert "Table not found" in page
    assert f'Did you mean <a href="/explore/{nearest}/">{nearest}</a>?' in page


def test_only_permitted_tables_are_suggested(signed_in, django_user_model):
    user = signed_in("nobody", name="grace")
    django_user_model.objects.get().user_permissions.set(Permission.objects.filter(codename="view_race"))
    page = user.page("people/peple/", status=404)
    assert "people/people" not in page and "census/races" in page


@pytest.mark.parametrize("address", ["census/", "?table=census"])
def test_an_address_of_a_dataset_lists_its_tables(reader, address):
    page = reader.page(address, status=404)
    assert "The dataset Census has several tables." in page and "Did you mean" not in page
    listed = page.partition('<section class="explore-refused">')[2].partition("</section>")[0]
    assert "census/respondents" in listed and "census/races" in listed and "people/people" not in listed


def test_an_unknown_image_format_lists_the_known_ones(reader):
    answer = reader.get("/explore/census/respondents/chart.gif")
    assert answer.status_code == 404
    assert answer.text == "There is no chart.gif. Use chart.png, chart.jpg, chart.svg, chart.csv or chart.json."


def test_an_address_without_a_trailing_slash_is_redirected(reader, people):
    answer = reader.get("/explore/people/places?country=Ulster")
    assert (answer.status_code, answer["Location"]) == (302, "/explore/people/places/?country=Ulster")


def test_any_active_account_signs_in_sees_its_tables_and_signs_out(client, people, django_user_model):
    analyst = django_user_model.objects.create_user("ada", password="nine lives of a cat")
    analyst.groups.set(Group.objects.filter(name="Analysts"))
    address = "/explore/people/places/"
    page = client.get(address, follow=True)
    assert page.status_code == 200 and "staff" not in page.text
    wrong = client.post(page.redirect_chain[-1][0], {"username": "ada", "password": "no"})
    assert "Please enter a correct username and password" in wrong.text
    there = client.post(page.redirect_chain[-1][0], {"username": "ada", "password": "nine lives of a cat"}, follow=True)
    assert there.redirect_chain[-1][0] == address and "Kelso" in there.text
    assert "/admin/" not in there.text.partition("<body")[2]  # the account cannot use the admin
    assert 'action="/sign-out/"' in there.text
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get(address).status_code == 302


def test_users_without_permissions_are_offered_no_tables(signed_in):
    page = signed_in("nobody", name="grace").page("", status=403)
    assert "You don't have access to any table" in unescape(page) and "choose-table" not in page


def test_a_chosen_table_opens_on_the_tab_that_was_open(reader):
    assert reader.get("/explore/?table=people/places&tab=export")["Location"] == "/explore/people/places/export/"
    assert reader.get("/explore/?table=people/places&tab=x")["Location"] == "/explore/people/places/"


def test_pages_are_only_read(reader):
    assert reader.post("/explore/people/people/").status_code == 405


def test_the_admin_links_to_explore(reader):
    assert 'href="/explore/"' in reader.get("/admin/").text
