"""Respondents of a census, and the vocabularies that describe them."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from datasets.models import ContentRecord, Lookup, MaterializedView, identity_is_unique


class Workclass(Lookup):
    class Meta(Lookup.Meta):
        db_table = "workclasses"
        verbose_name_plural = "workclasses"


class EducationLevel(Lookup):
    years = models.SmallIntegerField(
        validators=[MinValueValidator(0)],
        help_text="Number of years, as the files count them: 1 is Preschool, 16 is Doctorate.",
    )

    class Meta(Lookup.Meta):
        db_table = "education_levels"
        constraints = [
            models.CheckConstraint(condition=models.Q(years__gte=0), name="education_levels_years_not_negative"),
        ]


class MaritalStatus(Lookup):
    class Meta(Lookup.Meta):
        db_table = "marital_statuses"
        verbose_name_plural = "marital statuses"


class Occupation(Lookup):
    class Meta(Lookup.Meta):
        db_table = "occupations"


class Relationship(Lookup):
    class Meta(Lookup.Meta):
        db_table = "relationships"


class Race(Lookup):
    class Meta(Lookup.Meta):
        db_table = "races"


class Country(Lookup):
    class Meta(Lookup.Meta):
        db_table = "countries"
        verbose_name_plural = "countries"


def _look_up(model: type[Lookup], **options) -> models.ForeignKey:
    """Return a reference to a vocabulary; without an index, which would never be chosen and costs an import."""
    return models.ForeignKey(model, models.PROTECT, db_index=False, related_name="respondents", **options)


class RespondentQuerySet(models.QuerySet):
    def share_over_50k(self) -> float | None:
        """Return the share, from 0 to 1, of these respondents whose income is over 50K; None where there are none."""
        counts = self.aggregate(
            respondents=models.Count("pk"), over_50k=models.Count("pk", filter=models.Q(income_over_50k=True))
        )
        return counts["over_50k"] / counts["respondents"] if counts["respondents"] else None


class Respondent(ContentRecord):
    """A person who answered; different people may have given the same answers, so equal rows stay apart."""

    class Sex(models.TextChoices):
        FEMALE = "Female"
        MALE = "Male"

    id = models.BigAutoField(primary_key=True)
    age = models.SmallIntegerField(validators=[MinValueValidator(0), MaxValueValidator(150)], help_text="Years.")
    workclass = _look_up(Workclass, null=True, blank=True)
    fnlwgt = models.IntegerField(
        "final weight", validators=[MinValueValidator(0)], help_text="Survey weight, in hundredths of people."
    )
    education = _look_up(EducationLevel)
    marital_status = _look_up(MaritalStatus)
    occupation = _look_up(Occupation, null=True, blank=True)
    relationship = _look_up(Relationship)
    race = _look_up(Race)
    sex = models.CharField(max_length=10, choices=Sex.choices)
    capital_gain = models.IntegerField(validators=[MinValueValidator(0)], help_text="US dollars.")
    capital_loss = models.IntegerField(validators=[MinValueValidator(0)], help_text="US dollars.")
    hours_per_week = models.SmallIntegerField(
        validators=[MinValueValidator(0), MaxValueValidator(168)], help_text="Hours of work in a week."
    )
    native_country = _look_up(Country, null=True, blank=True)
    income_over_50k = models.BooleanField("income over 50K", help_text="More than 50,000 US dollars a year.")

    joined_columns = {"education_years": "education__years"}
    first_chart = {"kind": "bar", "x": "education", "colour": "income_over_50k", "measure": "share",
                   "sort": "education_years"}  # fmt: skip

    objects = RespondentQuerySet.as_manager()
    search_fields = ["id__exact", "occupation__name", "education__name", "native_country__name"]

    class Meta:
        db_table = "respondents"
        indexes = [models.Index(fields=["age"], name="respondents_age")]
        constraints = [
            identity_is_unique("respondents"),
            models.CheckConstraint(condition=models.Q(age__gte=0, age__lte=150), name="respondents_age_0_to_150"),
            models.CheckConstraint(condition=models.Q(fnlwgt__gte=0), name="respondents_fnlwgt_not_negative"),
            models.CheckConstraint(condition=models.Q(sex__in=["Female", "Male"]), name="respondents_sex_known"),
            models.CheckConstraint(
                condition=models.Q(capital_gain__gte=0), name="respondents_capital_gain_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(capital_loss__gte=0), name="respondents_capital_loss_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(hours_per_week__gte=0, hours_per_week__lte=168),
                name="respondents_hours_per_week_0_to_168",
            ),
        ]

    def __str__(self):
        return f"respondent {self.pk}"


class IncomeByEducation(MaterializedView):
    """How many respondents of each education level have an income over 50K; a level without any has no row."""

    education = models.CharField(primary_key=True, max_length=100)
    years = models.SmallIntegerField(help_text="Number of years of the level.")
    respondents = models.BigIntegerField(help_text="Respondents of this level.")
    over_50k = models.BigIntegerField("over 50K", help_text="Those of them whose income is over 50K.")
    share_over_50k = models.FloatField("share over 50K", help_text="Their share, from 0 to 1.")

    chart = ("education", "share_over_50k", "years")
    search_fields = ["education"]

    class Meta(MaterializedView.Meta):
        db_table = "income_by_education"
        verbose_name = "education level by income"
        verbose_name_plural = "income by education"

    def __str__(self):
        return self.education
