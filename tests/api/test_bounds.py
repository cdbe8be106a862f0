"""Limits of one request: words, values, filters and columns. The error states the limit."""

import pytest

pytestmark = pytest.mark.django_db
LIST = "/api/people/people/"
WORDS = " ".join("abcdefghi")


def refusals(client, address, **query):
    answer = client.get(address, query)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.text
    return answer.json()["errors"]


@pytest.mark.parametrize("text", [WORDS, "w " * 1900, '"two words" ' * 9])
def test_a_search_has_at_most_eight_words_in_the_api_explore_and_the_admin(client, admin_client, text):
    assert "Expected at most 8 words, found" in refusals(client, LIST, search=text)["search"][0]
    assert "Expected at most 8 words, found" in refusals(client, f"{LIST}summary/", search=text)["search"][0]
    completing = {"app_label": "people", "model_name": "person", "field_name": "place_of_birth"}
    for address, query in (
        ("/explore/people/people/", {"search": text}),
        ("/explore/people/people/chart.json", {"search": text}),
        ("/admin/people/person/", {"q": text}),
        ("/admin/auth/user/", {"q": text}),
        ("/admin/imports/sourcefile/", {"q": text}),
        ("/admin/people/person/deleted/", {"q": text}),
        ("/admin/autocomplete/", {"term": text} | completing),
    ):
        answer = admin_client.get(address, query)
        assert answer.status_code == 400 and "at most 8 words" in answer.text, address
    assert client.get(LIST, {"search": WORDS[:15]}).status_code == 200
    assert client.get(LIST, {"search": '"' + WORDS + '"'}).status_code == 200
    assert admin_client.get("/admin/people/person/", {"q": WORDS[:15]}).status_code == 200


@pytest.mark.parametrize("name", ["id__in", "given_name__in", "date_of_birth__in"])
def test_a_list_has_at_most_500_values(client, admin_client, name):
    kinds = {"id__in": str, "given_name__in": "{}".format, "date_of_birth__in": "{:04}-01-01".format}
    values = [kinds[name](n) for n in range(1, 502)]
    many, few = (f"?{name}={','.join(items)}" for items in (values, values[:500]))
    for address in (LIST, f"{LIST}summary/"):
        assert refusals(client, address + many) == {name: ["Expected at most 500 values, found 501."]}
    for address in ("/explore/people/people/", "/admin/people/person/"):
        answer = admin_client.get(address + many)
        assert answer.status_code == 400 and "at most 500 values" in answer.text, address
    assert client.get(LIST + few).status_code == 200
    if name == "id__in":
        assert "found 501" in refusals(client, LIST + "?" + "&".join(f"id__in={n}" for n in range(501)))[name][0]


def test_other_lists_of_the_admin_have_limits(admin_client):
    answer = admin_client.get("/admin/imports/rejectedrow/", {"file__id__in": ",".join(map(str, range(1, 502)))})
    assert answer.status_code == 400 and "at most 500 values" in answer.text


def test_a_list_has_at_most_thirty_filters(client, admin_client):
    names = [
        f"{name}{lookup}"
        for name in (
            "age",
            "fnlwgt",
            "capital_gain",
            "capital_loss",
            "hours_per_week",
            "education_years",
            "id",
            "race_id",
        )
        for lookup in ("", "__in", "__gte", "__lte")
    ][:31]
    params = dict.fromkeys(names, "1")
    for address in ("/api/census/respondents/", "/api/census/respondents/summary/"):
        assert refusals(client, address, **params) == {names[30]: ["Expected at most 30 filters, found 31."]}
    for address in ("/explore/census/respondents/", "/admin/census/respondent/"):
        answer = admin_client.get(address, params)
        assert answer.status_code == 400 and "at most 30 filters" in answer.text
    del params[names[30]]
    assert client.get("/api/census/respondents/", params).status_code == 200


def test_columns_groups_measures_and_pages_are_bounded(client, admin_client):
    many = ",".join(["id"] * 100)
    assert "Expected at most 14 columns, found 100." in refusals(client, LIST, fields=many)["fields"][0]
    assert "Expected at most" in refusals(client, LIST, omit=many)["omit"][0]
    assert "Expected at most 5 columns, found 100." in refusals(client, LIST, ordering=many)["ordering"][0]
    assert "between 1 and 1000, found 1001" in refusals(client, LIST, page_size="1001")["page_size"][0]
    assert "Expected at most 5, found 100." in refusals(client, f"{LIST}summary/", by=many)["by"][0]
    assert "Expected at most 20, found 100." in refusals(client, f"{LIST}summary/", measure=many)["measure"][0]
    assert "between 1 and 10000" in refusals(client, f"{LIST}summary/", limit="10001")["limit"][0]
    for query in ({"columns": many}, {"ordering": many}):
        answer = admin_client.get("/explore/people/people/", query)
        assert answer.status_code == 400 and "Expected at most" in answer.text
    answer = admin_client.get("/explore/people/people/chart/", {"kind": "histogram", "x": "id", "bins": "101"})
    assert answer.status_code == 400 and "between 2 and 100" in answer.text
