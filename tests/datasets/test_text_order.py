"""Texts are sorted by code point, on both engines and in every list."""

import csv
import io

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from people.models import Place

# Neither a language's order (a, Å, B, é, ß, Z), nor that of bytes in UTF-16 (the last two reversed).
IN_ORDER = ["B", "Z", "a", "Å", "ß", "é", "Ж", "大", "Ａ", "𐍈"]


@pytest.fixture
def places(db):
    for city in ["é", "B", "a", "𐍈", "Z", "ß", "Ａ", "Å", "大", "Ж"]:
        Place.objects.create(city=city, county="-", country=f"of {city}")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compares bytes unless a column says otherwise")
@pytest.mark.django_db
def test_every_text_column_of_our_tables_and_views_is_compared_by_code_point():
    foreign = {"admin", "auth", "axes", "contenttypes", "sessions", "django_tasks_db", "django_tasks_database"}
    models = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label not in foreign
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid"
            " JOIN pg_collation c ON c.oid = a.attcollation"
            " WHERE r.relname = ANY(%s) AND r.relkind IN ('r', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
            " AND c.collname <> 'C'",
            [models],
        )
        assert [name for (name,) in cursor.fetchall()] == []


def test_a_list_of_the_api_is_ordered_by_code_point_page_after_page(places, client):
    for ordering, expected in [("city", IN_ORDER), ("-city", IN_ORDER[::-1])]:
        address, cities = f"/api/people/places/?ordering={ordering}&page_size=3&fields=city", []
        while address:
            page = client.get(address).json()
            cities += [place["city"] for place in page["results"]]
            address = page["next"]
        assert cities == expected


def test_a_range_of_texts_follows_the_sort_order(places):
    assert set(Place.objects.filter(city__gt="a").values_list("city", flat=True)) == set(IN_ORDER[3:])


def test_a_summary_and_an_export_are_ordered_by_code_point(places, client):
    summary = client.get("/api/people/places/summary/?by=city&measure=min:country").json()
    assert [group["city"] for group in summary["results"]] == IN_ORDER
    sent = client.get("/api/people/places/?format=csv&ordering=city&fields=city,id")
    rows = csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode()))
    assert [row["city"] for row in rows] == IN_ORDER


def test_the_lists_of_the_admin_and_of_explore_are_ordered_by_code_point(places, admin_client):
    for address in [f"{reverse('admin:people_place_changelist')}?o=1", "/explore/people/places/?ordering=city"]:
        page = admin_client.get(address).content.decode()
        positions = [page.index(f">of {city}<") for city in IN_ORDER]
        assert positions == sorted(positions), address
