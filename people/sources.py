"""The files of people and places."""

from imports.sources import CSVSource, Reference
from people.models import Person, Place


class Places(CSVSource):
    file = "places*.csv"
    model = Place
    key = ("city",)


class People(CSVSource):
    file = "people*.csv"
    model = Person  # without a key: identified by content and number of occurrences
    columns = {"place_of_birth": Reference(Place, by="city")}
