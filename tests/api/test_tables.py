"""The API serves every table, vocabulary and view, unless its Listing excludes it."""

from dataclasses import replace

from django.apps import apps

from datasets.models import MaterializedView, Record, Vocabulary
from datasets.registry import served_tables
from people.models import Place
from subjects.models import SubjectsByBirthYear


def test_every_table_is_served():
    tables = {model for model in apps.get_models() if issubclass(model, Record | Vocabulary | MaterializedView)}
    assert set(served_tables().values()) == tables


def test_addresses_follow_from_the_names_of_tables():
    names = list(served_tables())
    assert names[names.index("people/places") :][:3] == ["people/places", "people/people", "people/births-by-country"]
    assert served_tables()["subjects/by-birth-year"] is SubjectsByBirthYear


def test_a_listing_can_exclude_its_table(monkeypatch):
    monkeypatch.setattr(Place, "listing", replace(Place.listing, api=False))
    assert Place not in served_tables().values()
