"""People, and the places where they were born.

The help text of a field is its entry in the data dictionary.
"""

from django.db import models

from datasets.constraints import identity_is_unique
from datasets.listing import Listing
from datasets.models import ContentRecord, MaterializedView, Record
from datasets.validators import DAY_OF_BIRTH


class Place(Record):
    """A town or village, identified by its name."""

    id = models.BigAutoField(primary_key=True)
    city = models.CharField(
        max_length=200, unique=True, help_text="Unique name of the town or village. Records of people refer to it."
    )
    county = models.CharField(max_length=200, help_text="County or region of the place.")
    country = models.CharField(max_length=200, help_text="Country of the place.")

    listing = Listing(label="city", search=["city", "county", "country"])

    class Meta:
        db_table = "places"


class PersonQuerySet(models.QuerySet["Person"]):
    def born_in(self, country: str) -> "PersonQuerySet":
        """Return the people born in *country*."""
        return self.filter(place_of_birth__country=country)


class Person(ContentRecord):
    """A person. The files have no id of a person: two people may share all four columns."""

    id = models.BigAutoField(primary_key=True)
    given_name = models.CharField(max_length=200, help_text="Given names as in the file.")
    family_name = models.CharField(max_length=200, help_text="Family name as in the file.")
    date_of_birth = models.DateField(validators=DAY_OF_BIRTH, help_text="A day from the year 1000 to today.")
    place_of_birth = models.ForeignKey(
        Place, models.PROTECT, related_name="people_born", help_text="Town or village of birth, one of the places."
    )

    objects = PersonQuerySet.as_manager()
    listing = Listing(
        search=["given_name", "family_name", "place_of_birth__city"],
        joined={"county_of_birth": "place_of_birth__county", "country_of_birth": "place_of_birth__country"},
    )

    class Meta:
        db_table = "people"
        verbose_name_plural = "people"
        indexes = [
            models.Index(fields=["family_name", "given_name"], name="people_names"),
            models.Index(fields=["date_of_birth"], name="people_date_of_birth"),
        ]
        constraints = [identity_is_unique("people")]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"


class BirthsByCountryQuerySet(models.QuerySet["BirthsByCountry"]):
    def summary(self) -> dict[str, int]:
        """Return the number of births in each country, highest first; ties are in alphabetical order."""
        return dict(self.order_by("-births", "country").values_list("country", "births"))


class BirthsByCountry(MaterializedView):
    """The number of people born in each country. A country without births has no row."""

    country = models.CharField(primary_key=True, max_length=200)
    births = models.BigIntegerField(help_text="Number of people born in the country.")

    objects = BirthsByCountryQuerySet.as_manager()
    listing = Listing(search=["country"])

    class Meta(MaterializedView.Meta):
        db_table = "births_by_country"
        verbose_name = "country of birth"
        verbose_name_plural = "births by country"

    def __str__(self) -> str:
        return self.country
