"""How curators see people and places."""

from django.contrib import admin

from datasets.admin import MaterializedViewAdmin, RecordAdmin
from people.models import BirthsByCountry, Person, Place


@admin.register(Place)
class PlaceAdmin(RecordAdmin):
    list_display = ["city", "county", "country"]
    list_filter = ["country", "county"]
    search_fields = ["city", "county", "country"]


@admin.register(Person)
class PersonAdmin(RecordAdmin):
    list_display = ["given_name", "family_name", "date_of_birth", "place_of_birth"]
    list_filter = ["place_of_birth__country", "place_of_birth__county"]
    search_fields = ["given_name", "family_name", "place_of_birth__city"]
    date_hierarchy = "date_of_birth"  # its first and last day come from the index
    autocomplete_fields = ["place_of_birth"]


@admin.register(BirthsByCountry)
class BirthsByCountryAdmin(MaterializedViewAdmin):
    list_display = ["country", "births"]
    search_fields = ["country"]
