"""People, and the places they were born in."""

from django.db import models

from datasets.constraints import identity_is_unique
from datasets.listing import Listing
from datasets.models import ContentRecord, MaterializedView, Record
from datasets.validators import DAY_OF_BIRTH


class Place(Record):
    """A town or village, known by its name alone."""

    id = models.BigAutoField(primary_key=True)
    city = models.CharField(max_length=200, unique=True, help_text="What people refer to the place by.")
    county = models.CharField(max_length=200)
    country = models.CharField(max_length=200)

    listing = Listing(label="city", search=["city", "county", "country"])

    class Meta:
        db_table = "places"


class PersonQuerySet(models.QuerySet):
    def born_in(self, country: str) -> "PersonQuerySet":
        """Return the people who were born in *country*."""
        return self.filter(place_of_birth__country=country)


class Person(ContentRecord):
    """A person, who is not known by any number: two may share all four columns."""

    id = models.BigAutoField(primary_key=True)
    given_name = models.CharField(max_length=200)
    family_name = models.CharField(max_length=200)
    date_of_birth = models.DateField(validators=DAY_OF_BIRTH)
    place_of_birth = models.ForeignKey(Place, models.PROTECT, related_name="people_born")

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

    def __str__(self):
        return f"{self.given_name} {self.family_name}"


class BirthsByCountryQuerySet(models.QuerySet):
    def summary(self) -> dict[str, int]:
        """Return the births of each country, most births first; those with as many in the order of their names."""
        return dict(self.order_by("-births", "country").values_list("country", "births"))


class BirthsByCountry(MaterializedView):
    """How many people were born in each country; a country without any has no row."""

    country = models.CharField(primary_key=True, max_length=200)
    births = models.BigIntegerField(help_text="People.")

    objects = BirthsByCountryQuerySet.as_manager()
    listing = Listing(search=["country"])

    class Meta(MaterializedView.Meta):
        db_table = "births_by_country"
        verbose_name = "country of birth"
        verbose_name_plural = "births by country"

    def __str__(self):
        return self.country
