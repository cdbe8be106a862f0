"""Constraints of people and places."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from datasets import matviews
from people.models import BirthsByCountry, Person, Place

pytestmark = pytest.mark.django_db


def born(given_name, city, country, day=date(1900, 1, 1)):
    place, _ = Place.objects.get_or_create(city=city, defaults={"county": "somewhere", "country": country})
    return Person.objects.create(given_name=given_name, family_name="Mac", date_of_birth=day, place_of_birth=place)


def test_people_are_found_by_the_country_they_were_born_in():
    born("Ann", "Kelso", "Scotland")
    born("Bob", "Derry", "Northern Ireland")
    assert [str(person) for person in Person.objects.born_in("Scotland")] == ["Ann Mac"]


def test_births_are_counted_by_country():
    for name, city, country in [
        ("Ann", "Kelso", "Scotland"),
        ("Bob", "Derry", "Northern Ireland"),
        ("Cat", "Airdrie", "Scotland"),
    ]:
        born(name, city, country)
    Place.objects.create(city="Cardiff", county="Glamorgan", country="Wales")
    matviews.refresh("people")
    assert set(BirthsByCountry.objects.values_list("country", "births")) == {("Scotland", 2), ("Northern Ireland", 1)}


def test_two_people_may_have_the_same_name_place_and_day():
    born("Ann", "Kelso", "Scotland")
    born("Ann", "Kelso", "Scotland")
    assert Person.objects.count() == 2


def test_an_identity_is_unique():
    ann, bob = born("Ann", "Kelso", "Scotland"), born("Bob", "Kelso", "Scotland")
    bob.identity = ann.identity
    with pytest.raises(IntegrityError), transaction.atomic():
        bob.save()


def test_a_city_is_unique():
    Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    with pytest.raises(IntegrityError), transaction.atomic():
        Place.objects.create(city="Kelso", county="Washington", country="United States")


def test_the_place_of_birth_of_a_person_cannot_be_deleted():
    ann = born("Ann", "Kelso", "Scotland")
    with pytest.raises(ProtectedError):
        ann.place_of_birth.delete()
