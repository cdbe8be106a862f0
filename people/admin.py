"""Admin of people and places."""

from django.contrib import admin

from curation.admin import RecordAdmin
from people.models import Person, Place


@admin.register(Place)
class PlaceAdmin(RecordAdmin[Place]):
    filter_columns = ["country", "county"]


@admin.register(Person)
class PersonAdmin(RecordAdmin[Person]):
    filter_columns = ["date_of_birth", "country_of_birth", "county_of_birth"]
