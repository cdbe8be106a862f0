"""The OpenAPI description matches the code, and a browser shows its page."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from django.urls import get_resolver
from drf_spectacular import validation
from jsonschema_rs import ValidationError, validator_for
from playwright.sync_api import sync_playwright

from api.router import router
from datasets.records.columns import columns_of
from datasets.records.filters import record_filterset
from tests.architecture import api_routes

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
RESPONDENTS = "/api/census/respondents/"
READ_BY_PEOPLE = {"api/$", "api/docs/", "api/schema/", "api/"}  # pages and documents without an operation


@pytest.fixture
def described(client):
    answer = client.get("/api/schema/")
    assert answer.status_code == 200, answer.text
    return answer.json()


def parameters(described, address):
    result = described["paths"][address]["get"]["parameters"]
    return {parameter["name"]: parameter for parameter in result if "name" in parameter}


def test_the_description_is_openapi_3_1(described):
    assert described["openapi"].startswith("3.1")
    schema = Path(validation.__file__).with_name("openapi_3_1_schema.json").read_text(encoding="utf-8")
    validator_for(json.loads(schema)).validate(described)
    described["paths"][RESPONDENTS]["get"]["parameters"][0]["in"] = "nowhere"
    with pytest.raises(ValidationError):
        validator_for(json.loads(schema)).validate(described)


def test_the_description_is_json_or_yaml(client, described):
    as_yaml = client.get("/api/schema/?format=yaml")
    assert as_yaml["Content-Type"].startswith("application/yaml")
    assert yaml.load(as_yaml.content, yaml.CSafeLoader) == described
    assert client.get("/api/schema/", headers={"accept": "application/yaml"}).content == as_yaml.content
    assert client.get("/api/schema/?format=xml").status_code == 400
    assert client.get("/api/schema/?version=%0a").json()["errors"]["version"][0].startswith("Unknown parameter.")


def test_the_description_has_every_address(described):
    """Each route is a regular expression that must match its path in the description."""
    routes = {route for route in api_routes(get_resolver())} - READ_BY_PEOPLE
    known = [path.replace("{id}", "1").removeprefix("/") for path in described["paths"]]
    assert [route for route in routes if not any(re.fullmatch(route, path) for path in known)] == []
    assert len(known) == len(routes)


def test_the_description_has_every_filter_and_column(described):
    for prefix, viewset, _ in router.registry:
        if not hasattr(viewset, "model"):
            continue
        filters = set(record_filterset(viewset.model).base_filters)
        listed = {*filters, "fields", "omit", "ordering", "page_size", "cursor", "count", "compress", "format"}
        assert set(parameters(described, f"/api/{prefix}/")) == listed
        summed = {*filters, "by", "measure", "ordering", "limit", "format"}
        assert set(parameters(described, f"/api/{prefix}/summary/")) == summed
        page = described["paths"][f"/api/{prefix}/"]["get"]["responses"]["200"]["content"]["application/json"]
        name = page["schema"]["$ref"].rpartition("/")[2].removesuffix("Page")
        columns = described["components"]["schemas"][name]["properties"]
        assert list(columns) == [column.name for column in columns_of(viewset.model)]


def test_columns_have_types_and_meanings(described):
    columns = described["components"]["schemas"]["CensusRespondent"]["properties"]
    assert columns["age"] == {"type": "integer", "description": "Years. A whole number from 0 to 150."}
    assert columns["sex"] == {"type": "string", "enum": ["Female", "Male"], "description": "Female or Male."}
    assert columns["native_country"]["type"] == ["string", "null"]
    assert columns["income_over_50k"]["type"] == "boolean"
    schemas = described["components"]["schemas"]
    assert schemas["PeoplePerson"]["properties"]["date_of_birth"] == {
        "type": "string",
        "format": "date",
        "description": "A day from the year 1000 to today.",
    }
    assert schemas["ExperimentsUserFeatures"]["properties"]["most_common_compounds"]["type"] == "array"
    assert "experiments.view_email" in schemas["ExperimentsUser"]["properties"]["email"]["description"]


def test_filters_have_types_and_choices(described):
    result = parameters(described, RESPONDENTS)
    assert result["sex"]["schema"]["enum"] == ["Female", "Male"]
    assert result["age__gte"]["schema"]["type"] == "integer"
    assert result["native_country__isnull"]["schema"] == {"type": "boolean"}
    assert (result["age__in"]["schema"]["type"], result["age__in"]["explode"]) == ("array", True)
    assert "-age" in result["ordering"]["schema"]["items"]["enum"]
    measures = parameters(described, f"{RESPONDENTS}summary/")["measure"]["schema"]["items"]["enum"]
    assert {"count", "mean:hours_per_week", "mean:income_over_50k", "max:sex"} < set(measures)
    result = parameters(described, "/api/experiments/users/")
    assert result["email"]["x-permission"] == "experiments.view_email"
    assert "email" not in result["ordering"]["schema"]["items"]["enum"]


def test_the_description_has_every_status(described):
    def statuses(path, method="get"):
        return set(described["paths"][path][method]["responses"])

    of_all = {"400", "401", "403", "406", "414", "429", "500", "503"}
    assert statuses(RESPONDENTS) == statuses(f"{RESPONDENTS}summary/") == {"200", "304", *of_all}
    assert statuses(f"{RESPONDENTS}{{id}}/") == {"200", "304", "404", *of_all}
    assert statuses("/api/imports/", "post") == {"202", "404", "408", "409", "411", "413", "415", "422", "507", *of_all}
    content = described["paths"][RESPONDENTS]["get"]["responses"]["200"]["content"]
    assert {"application/json", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"} < set(content)
    problems = described["components"]["responses"]
    assert {tuple(problem["content"]) for problem in problems.values()} == {("application/problem+json",)}


@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
def test_the_description_needs_the_permissions_of_the_api(client, admin_client, settings, address):
    assert client.get(address, headers={"accept": "*/*"}).status_code == 200
    settings.API_ANONYMOUS_READ = False
    refused = client.get(address, headers={"accept": "*/*"})
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")
    assert admin_client.get(address, headers={"accept": "*/*"}).status_code == 200


def test_the_description_states_the_authentication(client, admin_client, settings):
    data = client.get("/api/schema/").json()
    assert data["paths"][RESPONDENTS]["get"]["security"] == [{"token": []}, {"session": []}, {}]
    settings.API_ANONYMOUS_READ = False
    data = admin_client.get("/api/schema/").json()
    assert data["paths"][RESPONDENTS]["get"]["security"] == [{"token": []}, {"session": []}]
    assert set(data["components"]["securitySchemes"]) == {"token", "session"}


def test_the_documentation_page_follows_the_csp_and_loads_nothing_from_other_sites(transactional_db, live_server):
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if not executable:
        pytest.skip("no browser: install chromium")

    urls, result = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: urls.append(request.url))
        page.on("console", lambda message: result.append(message.text))
        page.goto(f"{live_server.url}/api/docs/")
        page.locator("h3.opblock-tag", has_text="people").click()
        page.locator(".opblock-summary-control", has_text="/api/people/births-by-country/summary/").click()
        page.locator("button.try-out__btn").click()
        page.locator("button.execute").click()
        page.get_by_text('"truncated"').first.wait_for()
        browser.close()
    assert result == []  # the browser logs violations of the CSP to the console
    assert {url for url in urls if not url.startswith((live_server.url, "data:"))} == set()
    assert any("/api/people/births-by-country/summary/" in url for url in urls)
