"""Respondents of a census, and the vocabularies that describe them."""

from django.db import models

from datasets.constraints import bounded, identity_is_unique, one_of
from datasets.listing import Chart, Listing
from datasets.models import ContentRecord, MaterializedView, Vocabulary


class Workclass(Vocabulary):
    class Meta(Vocabulary.Meta):
        db_table = "workclasses"
        verbose_name_plural = "workclasses"


class EducationLevel(Vocabulary):
    years = models.SmallIntegerField(
        help_text="Number of years, as the files count them: 1 is Preschool, 16 is Doctorate."
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


def _look_up(model: type[Vocabulary], **options) -> models.ForeignKey:
    """Return a reference to a vocabulary; without an index, which would never be chosen and costs an import."""
    return models.ForeignKey(model, models.PROTECT, db_index=False, related_name="respondents", **options)


class Sex(models.TextChoices):
    FEMALE = "Female"
    MALE = "Male"


class RespondentQuerySet(models.QuerySet):
    def share_over_50k(self) -> float | None:
        """Return the share, from 0 to 1, of these respondents whose income is over 50K; None where there are none."""
        counts = self.aggregate(
            respondents=models.Count("pk"), over_50k=models.Count("pk", filter=models.Q(income_over_50k=True))
        )
        return counts["over_50k"] / counts["respondents"] if counts["respondents"] else None


class Respondent(ContentRecord):
    """A person who answered; different people may have given the same answers, so equal rows stay apart."""

    id = models.BigAutoField(primary_key=True)
    age = models.SmallIntegerField(help_text="Years.")
    workclass = _look_up(Workclass, null=True, blank=True)
    fnlwgt = models.IntegerField("final weight", help_text="Survey weight, in hundredths of people.")
    education = _look_up(EducationLevel)
    marital_status = _look_up(MaritalStatus)
    occupation = _look_up(Occupation, null=True, blank=True)
    relationship = _look_up(Relationship)
    race = _look_up(Race)
    sex = models.CharField(max_length=10, choices=Sex.choices)
    capital_gain = models.IntegerField(help_text="US dollars.")
    capital_loss = models.IntegerField(help_text="US dollars.")
    hours_per_week = models.SmallIntegerField(help_text="Hours of work in a week.")
    native_country = _look_up(Country, null=True, blank=True)
    income_over_50k = models.BooleanField("income over 50K", help_text="More than 50,000 US dollars a year.")

    objects = RespondentQuerySet.as_manager()
    listing = Listing(
        search=["id__exact", "occupation__name", "education__name", "native_country__name"],
        joined={"education_years": "education__years"},
        chart=Chart(x="education", colour="income_over_50k", measure="share", sort="education_years"),
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
    """How many respondents of each education level have an income over 50K; a level without any has no row."""

    education = models.CharField(primary_key=True, max_length=100)
    years = models.SmallIntegerField(help_text="Number of years of the level.")
    respondents = models.BigIntegerField(help_text="Respondents of this level.")
    over_50k = models.BigIntegerField("over 50K", help_text="Those of them whose income is over 50K.")
    share_over_50k = models.FloatField("share over 50K", help_text="Their share, from 0 to 1.")

    listing = Listing(search=["education"], chart=Chart(x="education", measure="mean:share_over_50k", sort="years"))

    class Meta(MaterializedView.Meta):
        db_table = "income_by_education"
        verbose_name = "education level by income"
        verbose_name_plural = "income by education"

    def __str__(self):
        return self.education
