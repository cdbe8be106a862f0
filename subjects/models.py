"""Laboratory subjects, and the sessions they took part in."""

from django.db import models

from datasets.constraints import not_empty, one_of
from datasets.fields import JSONField
from datasets.listing import Chart, Listing
from datasets.models import MaterializedView, Record
from datasets.validators import DAY_OF_BIRTH, require_object


class Sex(models.TextChoices):
    FEMALE = "Female"
    MALE = "Male"


class SubjectQuerySet(models.QuerySet):
    def born_in(self, year: int) -> "SubjectQuerySet":
        """Return the subjects that were born in *year*."""
        return self.filter(date_of_birth__year=year)


class Subject(Record):
    """An animal or a person that experiments were made with. Files leave out what they do not know."""

    subject_id = models.CharField("subject", primary_key=True, max_length=100)
    date_of_birth = models.DateField(null=True, blank=True, validators=DAY_OF_BIRTH)
    species = models.CharField(max_length=200, null=True, blank=True, help_text="Such as Mus musculus.")
    sex = models.CharField(max_length=10, choices=Sex.choices, null=True, blank=True)
    background_strain = models.CharField(max_length=200, null=True, blank=True, help_text="Such as C57BL/6J.")
    genotype = models.CharField(max_length=2000, null=True, blank=True, help_text="Alleles, with semicolons between.")

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

    def __str__(self):
        return self.subject_id


class Session(Record):
    """One experiment folder, whose name tells what was recorded and when; its time zone is not known."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=255, unique=True, help_text="The folder, or the file where it has its own name.")
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="sessions")
    schema_version = models.CharField(max_length=50, null=True, blank=True, help_text="Of the subject's metadata.")
    document = JSONField(help_text="The subject's metadata as the folder holds them.", validators=[require_object])

    listing = Listing(search=["name", "subject__subject_id"])

    class Meta:
        db_table = "sessions"
        constraints = [not_empty("schema_version")]


class SubjectsByBirthYear(MaterializedView):
    """How many subjects of each sex were born in each year; those of unknown sex or date of birth are left out."""

    key = models.CharField(primary_key=True, max_length=20, help_text="Year and sex.")
    year = models.IntegerField(help_text="Year of birth.")
    sex = models.CharField(max_length=10, choices=Sex.choices)
    subjects = models.BigIntegerField(help_text="Subjects of this sex that were born in this year.")

    listing = Listing(
        search=["year__exact"], chart=Chart(x="year", colour="sex", measure="sum:subjects"), api="by-birth-year"
    )

    class Meta(MaterializedView.Meta):
        db_table = "subjects_by_birth_year"
        verbose_name = "year of birth and sex"
        verbose_name_plural = "subjects by birth year"

    def __str__(self):
        return self.key
