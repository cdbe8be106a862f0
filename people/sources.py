"""What the files of people and places hold."""

from imports.sources import CSVSource, Reference
from people.models import Person, Place


class Places(CSVSource):
    file = "places*.csv"
    model = Place
    key = ["city"]


class People(CSVSource):
    file = "people*.csv"
    model = Person  # no key: known by content, and how often it came
    columns = {"place_of_birth": Reference(Place, by="city")}
