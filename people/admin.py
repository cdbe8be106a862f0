"""Admin of people and places."""

from django.contrib import admin

from curation.admin import MaterializedViewAdmin, RecordAdmin
from people.models import BirthsByCountry, Person, Place


@admin.register(Place)
class PlaceAdmin(RecordAdmin):
    list_display = ["city", "county", "country"]
    filter_columns = ["country", "county"]


@admin.register(Person)
class PersonAdmin(RecordAdmin):
    list_display = ["given_name", "family_name", "date_of_birth", "place_of_birth"]
    date_hierarchy = "date_of_birth"
    filter_columns = ["date_of_birth", "country_of_birth", "county_of_birth"]
    autocomplete_fields = ["place_of_birth"]


@admin.register(BirthsByCountry)
class BirthsByCountryAdmin(MaterializedViewAdmin):
    list_display = ["country", "births"]
