"""Respondents of a census, and the vocabularies that describe them.

The help text of a field is its entry in the data dictionary. If it begins with a short sentence, that is the unit.
"""

from typing import Any

from django.db import models

from datasets.constraints import bounded, identity_is_unique, one_of
from datasets.listing import Chart, Listing, Weight
from datasets.models import ContentRecord, MaterializedView, Vocabulary


class Workclass(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "workclasses"
        verbose_name_plural = "workclasses"


class EducationLevel(Vocabulary):
    years = models.SmallIntegerField(
        help_text="Rank of the level as counted in the files, from 1 (Preschool) to 16 (Doctorate)."
    )

    class Meta(Vocabulary.Meta):
        db_table = "education_levels"
        constraints = [bounded("years", 0)]


class MaritalStatus(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "marital_statuses"
        verbose_name_plural = "marital statuses"


class Occupation(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "occupations"


class Relationship(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "relationships"


class Race(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "races"


class Country(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "countries"
        verbose_name_plural = "countries"


def _look_up(model: type[Vocabulary], **options: Any) -> models.ForeignKey[Any, Any]:
    """Return a foreign key to a vocabulary, without an index: no query would use it, and it slows down imports."""
    return models.ForeignKey(model, models.PROTECT, db_index=False, related_name="respondents", **options)


class Sex(models.TextChoices):
    FEMALE = "Female"
    MALE = "Male"


class RespondentQuerySet(models.QuerySet["Respondent"]):
    def share_over_50k(self) -> float | None:
        """Return the share (0 to 1) of these respondents with an income over 50K, or None if there are none."""
        counts = self.aggregate(
            respondents=models.Count("pk"), over_50k=models.Count("pk", filter=models.Q(income_over_50k=True))
        )
        return counts["over_50k"] / counts["respondents"] if counts["respondents"] else None


class Respondent(ContentRecord):
    """A person who answered. Different people may give the same answers, so equal rows are separate records."""

    id = models.BigAutoField(primary_key=True)
    age = models.SmallIntegerField(help_text="Years. A whole number from 0 to 150.")
    workclass = _look_up(
        Workclass, null=True, blank=True, help_text="Class of employment, such as Private. Empty if unknown."
    )
    fnlwgt = models.IntegerField(
        "final weight", help_text="Survey weight, in hundredths of a person. A whole number, 0 or more."
    )
    education = _look_up(EducationLevel, help_text="Highest level of education, such as Bachelors.")
    marital_status = _look_up(MaritalStatus, help_text="Marital status, such as Never-married.")
    occupation = _look_up(
        Occupation, null=True, blank=True, help_text="Kind of work, such as Tech-support. Empty if unknown."
    )
    relationship = _look_up(Relationship, help_text="Role in the family, such as Husband or Own-child.")
    race = _look_up(Race, help_text="Race as the respondent reported it, such as White.")
    sex = models.CharField(max_length=10, choices=Sex.choices, help_text="Female or Male.")
    capital_gain = models.IntegerField(help_text="US dollars. A whole number, 0 or more; 0 if there was no gain.")
    capital_loss = models.IntegerField(help_text="US dollars. A whole number, 0 or more; 0 if there was no loss.")
    hours_per_week = models.SmallIntegerField(help_text="Hours of work in a week. A whole number from 0 to 168.")
    native_country = _look_up(Country, null=True, blank=True, help_text="Country of origin. Empty if unknown.")
    income_over_50k = models.BooleanField(
        "income over 50K", help_text="Whether the income exceeds 50,000 US dollars a year."
    )

    objects = RespondentQuerySet.as_manager()
    listing = Listing(
        search=["id__exact", "occupation__name", "education__name", "native_country__name"],
        joined={"education_years": "education__years"},
        chart=Chart(x="education", colour="income_over_50k", measure="share", sort="education_years"),
        weights=[Weight("fnlwgt", "people", per=100)],
    )

    class Meta:
        db_table = "respondents"
        indexes = [models.Index(fields=["age"], name="respondents_age")]
        constraints = [
            identity_is_unique("respondents"),
            bounded("age", 0, 150),
            bounded("fnlwgt", 0),
            one_of("sex", Sex),
            bounded("capital_gain", 0),
            bounded("capital_loss", 0),
            bounded("hours_per_week", 0, 168),
        ]


class IncomeByEducation(MaterializedView):
    """The number and share of respondents with an income over 50K at each education level.

    A level without respondents has no row.
    """

    education = models.CharField(primary_key=True, max_length=100)
    years = models.SmallIntegerField(help_text="Rank of the level, from 1 (Preschool) to 16 (Doctorate).")
    respondents = models.BigIntegerField(help_text="Number of respondents of this level.")
    over_50k = models.BigIntegerField(
        "over 50K", help_text="Number of respondents of this level with an income over 50,000 US dollars."
    )
    share_over_50k = models.FloatField(
        "share over 50K",
        help_text="Share of respondents of this level with an income over 50,000 US dollars, from 0 to 1.",
    )

    listing = Listing(search=["education"], chart=Chart(x="education", measure="mean:share_over_50k", sort="years"))

    class Meta(MaterializedView.Meta):
        db_table = "income_by_education"
        verbose_name = "education level by income"
        verbose_name_plural = "income by education"

    def __str__(self) -> str:
        return self.education
