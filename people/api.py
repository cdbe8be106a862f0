"""People and places as programs read them."""

from datasets.api import register
from people.models import BirthsByCountry, Person, Place

register(Place)
register(Person)
register(BirthsByCountry)
