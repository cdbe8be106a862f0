"""Admin of respondents and their vocabularies."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from census.models import EducationLevel, Respondent
from datasets import matviews
from datasets.records import pagination
from tests.confirming import confirm

pytestmark = pytest.mark.django_db


@pytest.mark.only_on("sqlite")
def test_the_list_takes_as_many_queries_for_200_respondents_as_for_10(admin_client, respondent):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get("/admin/census/respondent/?all=").status_code == 200
        return len(captured)

    example = respondent(occupation=None)
    for _ in range(10):
        respondent().save()
    of_ten = queries()
    Respondent.objects.bulk_create(copies_of(example, 190))
    assert queries() == of_ten


def copies_of(example, count):
    values = {field.attname: getattr(example, field.attname) for field in Respondent._meta.concrete_fields}
    return [
        Respondent(**{name: values[name] for name in values if name not in ("id", "identity")}) for _ in range(count)
    ]


def test_respondents_are_filtered_with_counts_only_when_asked(admin_client, respondent):
    respondent(education="Bachelors").save()
    respondent(education="HS-grad").save()
    respondent(education="HS-grad", occupation=None).save()
    page = admin_client.get("/admin/census/respondent/", {"education": "HS-grad"})
    assert page.context["cl"].result_count == 2
    assert "(2)" not in page.text
    assert 'HS-grad <span class="facet">(2)</span>' in admin_client.get("/admin/census/respondent/?_facets=True").text


def test_respondents_are_searched_by_number_and_words(admin_client, respondent):
    respondent(occupation="Sales").save()
    respondent(occupation=None).save()
    sales = Respondent.objects.get(occupation__name="Sales")
    for term in [str(sales.pk), "sales peru"]:
        page = admin_client.get("/admin/census/respondent/", {"q": term})
        assert [record.pk for record in page.context["cl"].result_list] == [sales.pk]


def test_a_big_table_is_not_counted_for_each_page(admin_client, monkeypatch, respondent):
    monkeypatch.setattr(pagination, "COUNTED", 150)
    Respondent.objects.bulk_create(copies_of(respondent(), 300))
    with CaptureQueriesContext(connection) as captured:
        page = admin_client.get("/admin/census/respondent/")
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"] and "respondents" in query["sql"]]
    bounded = connection.vendor == "postgresql"  # SQLite counts an index quickly
    assert len(counts) == 1 and ("LIMIT 151" in counts[0]) is bounded
    assert page.context["cl"].result_count >= 150
    assert ("The pages list only the first 10,000 records" in page.text) is bounded
    assert (
        "The pages list only the first 10,000 records"
        in admin_client.get("/admin/census/respondent/", {"age__gte": 0}).text
    )
    assert (
        "The pages list only the first 10,000 records"
        not in admin_client.get("/admin/census/respondent/", {"age": 40}).text
    )


@pytest.mark.only_on("sqlite")
def test_vocabularies_are_listed_searched_and_added_to(admin_client):
    for name in ["workclass", "educationlevel", "maritalstatus", "occupation", "relationship", "race", "country"]:
        assert admin_client.post(f"/admin/census/{name}/add/", {"name": "Newly", "years": 3}).status_code == 302
        page = admin_client.get(f"/admin/census/{name}/", {"q": "new"})
        assert [str(value) for value in page.context["cl"].result_list] == ["Newly"]


def test_a_used_term_cannot_be_deleted_and_lists_its_uses(admin_client, respondent):
    Respondent.objects.bulk_create(copies_of(respondent(), 30))
    level = EducationLevel.objects.get()
    page = confirm(admin_client, f"/admin/census/educationlevel/{level.pk}/delete/", {"post": "yes"})
    assert page.status_code == 200
    assert page.text.count("respondent ") >= 10
    result, first = page.context["protected"]
    assert (result, len(first), first[-1]) == ("30 respondents:", 11, "… and 20 more")
    assert EducationLevel.objects.exists()
    Respondent.objects.all().delete()
    assert confirm(admin_client, f"/admin/census/educationlevel/{level.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not EducationLevel.objects.exists()


def test_income_by_education_is_shown_by_years(admin_client, respondent):
    respondent(education="Bachelors").save()
    respondent(education="HS-grad").save()
    matviews.refresh("census")
    page = admin_client.get("/admin/census/incomebyeducation/")
    assert [row.education for row in page.context["cl"].result_list] == ["HS-grad", "Bachelors"]
