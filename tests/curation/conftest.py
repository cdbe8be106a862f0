"""Fixtures: a place, and people born there."""

from datetime import date

import pytest


@pytest.fixture
def kelso():
    from people.models import Place

    return Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")


@pytest.fixture
def add(kelso):
    """Add a person for each name."""
    from people.models import Person

    def add(*names, born=date(1900, 1, 1), place=None):
        Person.objects.bulk_create(
            Person(given_name=name, family_name="Mac", date_of_birth=born, place_of_birth=place or kelso)
            for name in names
        )

    return add
