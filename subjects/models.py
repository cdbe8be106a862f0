"""Laboratory subjects, and the sessions in which they took part.

The help text of a field is its entry in the data dictionary.
"""

from django.db import models

from datasets.constraints import not_empty, one_of
from datasets.fields import JSONField
from datasets.listing import Chart, Listing
from datasets.models import MaterializedView, Record
from datasets.validators import DAY_OF_BIRTH, require_object


class Sex(models.TextChoices):
    FEMALE = "Female"
    MALE = "Male"


class SubjectQuerySet(models.QuerySet["Subject"]):
    def born_in(self, year: int) -> "SubjectQuerySet":
        """Return the subjects born in *year*."""
        return self.filter(date_of_birth__year=year)


class Subject(Record):
    """An animal or a person in experiments. Files omit unknown values."""

    subject_id = models.CharField("subject", primary_key=True, max_length=100, help_text="Unique id of the subject.")
    date_of_birth = models.DateField(
        null=True,
        blank=True,
        validators=DAY_OF_BIRTH,
        help_text="A day from the year 1000 to today. Empty if unknown.",
    )
    species = models.CharField(
        max_length=200, null=True, blank=True, help_text="Scientific name, such as Mus musculus. Empty if unknown."
    )
    sex = models.CharField(
        max_length=10, choices=Sex.choices, null=True, blank=True, help_text="Female or Male. Empty if unknown."
    )
    background_strain = models.CharField(
        max_length=200, null=True, blank=True, help_text="Genetic background, such as C57BL/6J. Empty if unknown."
    )
    genotype = models.CharField(
        max_length=2000, null=True, blank=True, help_text="Alleles, separated by semicolons. Empty if unknown."
    )

    objects = SubjectQuerySet.as_manager()
    listing = Listing(search=["subject_id", "species", "background_strain", "genotype"])

    class Meta:
        db_table = "subjects"
        indexes = [models.Index(fields=["date_of_birth"], name="subjects_date_of_birth")]
        constraints = [
            one_of("sex", Sex),
            not_empty("subject_id"),
            not_empty("species"),
            not_empty("background_strain"),
            not_empty("genotype"),
        ]

    def __str__(self) -> str:
        return self.subject_id


class Session(Record):
    """One experiment folder. Its name states the kind of recording and its time, in an unknown time zone."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(
        max_length=255,
        unique=True,
        help_text="Name of the session's folder, or of its file if the file is not called subject.json.",
    )
    subject = models.ForeignKey(
        Subject, models.PROTECT, related_name="sessions", help_text="The subject of the session."
    )
    schema_version = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text="Version of the schema of the subject's metadata. Empty if the file does not state it.",
    )
    document = JSONField(
        help_text="The subject's metadata: the JSON object of the file, unchanged.", validators=[require_object]
    )

    listing = Listing(search=["name", "subject__subject_id"])

    class Meta:
        db_table = "sessions"
        constraints = [not_empty("schema_version")]


class SubjectsByBirthYear(MaterializedView):
    """The number of subjects of each sex born in each year, without subjects of unknown sex or date of birth."""

    key = models.CharField(primary_key=True, max_length=20, help_text="Year of birth and sex.")
    year = models.IntegerField(help_text="Year of birth.")
    sex = models.CharField(max_length=10, choices=Sex.choices, help_text="Female or Male.")
    subjects = models.BigIntegerField(help_text="Number of subjects of this sex born in this year.")

    listing = Listing(
        search=["year__exact"], chart=Chart(x="year", colour="sex", measure="sum:subjects"), api="by-birth-year"
    )

    class Meta(MaterializedView.Meta):
        db_table = "subjects_by_birth_year"
        verbose_name = "year of birth and sex"
        verbose_name_plural = "subjects by birth year"

    def __str__(self) -> str:
        return self.key
