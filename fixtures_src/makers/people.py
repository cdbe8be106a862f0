"""Places of three invented countries and the people born there, without ids."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from makers.draws import Odds, Rows, below, models
from makers.place_names import FAMILY, GAZETTEER, GIVEN, SPOKEN
from makers.planting import Planted, put, too_few, too_many

PLACES_HEADER = "city,county,country"
PEOPLE_HEADER = "given_name,family_name,date_of_birth,place_of_birth"
PLACES = sorted(
    (city, county, country)
    for country, counties in GAZETTEER.items()
    for county, cities in counties.items()
    for city in cities.split(", ")
)
COUNTRIES = list(SPOKEN)
LANGUAGES = list(GIVEN)
FAMILIES = [[a + b for a in first.split() for b in last.split()] for first, last in FAMILY.values()]
GIVENS = [names.split() for names in GIVEN.values()]

COUNTRY = Odds([72, 18, 10])
LANGUAGE = Odds(*SPOKEN.values())
# The towns of each country among all places; some are eight times as big as others.
TOWN = Odds(*[[(n * 7 % 8 + 1) * (place[2] == country) for n, place in enumerate(PLACES)] for country in COUNTRIES])
# By decade from the 1840s to the 1980s.
DECADE = Odds([3, 4, 5, 6, 7, 8, 9, 10, 10, 9, 9, 8, 7, 5, 3])
FIRST_DAY = np.datetime64("1840-01-01").astype(int)

PLANTED_PLACES = [
    Planted(31, "the same values as an earlier city: a duplicate, not rejected", like=20),
    Planted(64, "an earlier city, with another county", like=12, put={1: "Ironvale"}),
    Planted(97, "too few cells: a city and nothing else", row="Nowhere-on-Sea"),
]
PLANTED_PEOPLE = [
    Planted(118, "an impossible date: 30 February", row="Agnes,Kirkstead,1931-02-30,Hollinby"),
    Planted(1507, "a place that is not in places.csv", like=1400, put={3: "Atlantis"}),
    Planted(2950, "too few cells: no place of birth", row="Γεώργιος,Νικολίδης,1902-11-19"),
    Planted(4444, "too many cells: a comma in a name that is not quoted",
            row="Rose,Thornbury, Lady,1888-05-06,Oldmere"),
    Planted(6021, "two problems in one row: no family name, and an impossible date: month 13",
            row="Þórður,,1899-13-01,Hraunbær"),
    Planted(8765, "a date with the day first", row="Faith,Redshaw,14/06/1921,Fenwater"),
]  # fmt: skip
SPOILS = [put(2, "1931-02-30"), put(3, "Atlantis"), too_few, too_many, put(1, ""), put(2, "14/06/1921")]


def place_lines() -> list[str]:
    """Return all places as text, by city."""
    return [",".join(place) for place in PLACES]


def lines(seed: int, rows: Rows) -> list[str]:
    """Return the rows as text; a changed person is born a day later."""
    numbers = models(seed, rows.numbers)
    country = COUNTRY.pick(seed, "country", numbers)
    language = LANGUAGE.pick(seed, "language", numbers, country)
    decade = DECADE.pick(seed, "decade", numbers)
    # A decade has 3,652 days here; one leap day more or less does not matter.
    day = FIRST_DAY + 3652 * decade + below(seed, "day", numbers, 3652) + rows.changed
    cells = [
        named(seed, "given", numbers, language, GIVENS),
        named(seed, "family", numbers, language, FAMILIES),
        pa.array(day.astype(np.int32)).cast(pa.date32()).cast("string"),
        pa.array([city for city, _, _ in PLACES]).take(pa.array(TOWN.pick(seed, "town", numbers, country))),
    ]
    return pc.binary_join_element_wise(*cells, ",").to_pylist()


def named(seed: int, name: str, rows: np.ndarray, language: np.ndarray, names: list[list[str]]) -> pa.Array:
    """Return a name for each row from those of its language."""
    sizes = np.array([len(each) for each in names])
    starts = np.cumsum(sizes) - sizes
    position = starts[language] + below(seed, name, rows, 2**31 - 1) % sizes[language]
    return pa.array([each for group in names for each in group]).take(pa.array(position))
