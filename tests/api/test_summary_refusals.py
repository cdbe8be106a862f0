"""Errors of summaries and their messages."""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        (
            "by=eduction",
            "by",
            "There is no column eduction. Did you mean education? Available columns: id, age,",
        ),
        ("by=", "by", "Expected the name of a column, found none. Available columns: id,"),
        ("by=sex&by=sex", "by", "sex occurs twice."),
        ("by=id,age,sex,race,education,fnlwgt", "by", "Expected at most 5, found 6."),
        ("by=age:0", "by", "The bin width must be a whole number up to 1000000000, such as age:10"),
        ("by=age:", "by", "(found none)."),
        ("by=age:2.5", "by", "(found 2.5)."),
        ("by=age:-5", "by", "(found -5)."),
        ("by=age:nan", "by", "(found nan)."),
        ("by=age:year", "by", "(found year)."),
        ("by=sex:10", "by", "Expected sex without a suffix, because it has no dates or quantities; found sex:10."),
        ("measure=mean", "measure", "Expected count or one of sum:COLUMN, mean:COLUMN"),
        ("measure=", "measure", "found none."),
        ("measure=mode:age", "measure", "found mode:age."),
        ("measure=sum:sex", "measure", "sex is a column, but sum does not apply to its type. Available columns"),
        ("measure=mean:education_id", "measure", "Did you mean education_years?"),
        ("measure=median:income_over_50k", "measure", "but median does not apply to its type."),
        ("measure=min:income_over_50k", "measure", "but min does not apply to its type."),
        ("measure=count,count", "measure", "count occurs twice."),
        ("by=sex&ordering=age", "ordering", "Expected one of sex, count; found age."),
        ("by=sex&ordering=sex,-sex", "ordering", "sex occurs twice."),
        ("by=sex&ordering=", "ordering", "Expected a value, found none."),
        ("limit=0", "limit", "Expected a whole number between 1 and 10000, found 0."),
        ("limit=10001", "limit", "found 10001."),
        ("limit=٣", "limit", "Expected a whole number between 1 and 10000"),
        ("agee=3", "agee", "Unknown parameter. Did you mean age?"),
        ("messure=count", "messure", "Did you mean measure?"),
        ("page_size=3", "page_size", "A summary is not paginated. Set limit for more or fewer groups."),
        ("fields=age", "fields", "The parameters by and measure set the columns of a summary."),
        ("education=Doctoratee", "education", "There is no Doctoratee among the education levels."),
        ("age=old", "age", "Expected a whole number, found old."),
        ("format=xml", "format", "found xml."),
    ],
)
def test_invalid_parameters_of_a_summary_are_refused(client, query, parameter, message):
    answer = client.get(f"/api/census/respondents/summary/?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert message in answer.json()["errors"][parameter][0]


def test_everything_that_is_wrong_is_reported_at_once(client):
    errors = client.get("/api/census/respondents/summary/?by=x&measure=x&limit=x&age=x&x=x").json()["errors"]
    assert set(errors) == {"by", "measure", "limit", "age", "x"}


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ("by=date_of_birth:day", "by", "Expected date_of_birth:year or date_of_birth:month; found date_of_birth:day."),
        ("measure=mean:date_of_birth", "measure", "No column is available."),
    ],
)
def test_dates_have_years_and_months(client, query, parameter, message):
    answer = client.get(f"/api/people/people/summary/?{query}")
    assert answer.status_code == 400
    assert message in answer.json()["errors"][parameter][0]


def test_documents_and_lists_cannot_be_grouped(client):
    assert client.get("/api/subjects/sessions/summary/?by=document").status_code == 400
    assert client.get("/api/experiments/user-experiments/summary/?by=compounds").status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_summaries_are_only_read(admin_client, method):
    assert getattr(admin_client, method)("/api/census/respondents/summary/").status_code == 405
