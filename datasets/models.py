"""What every record carries: where it came from; and the version that rises with what a dataset holds."""

import uuid

from django.db import models

from datasets.fields import JSONField
from datasets.listing import Listing, label_field
from datasets.tokens import ApiToken  # noqa: F401 - a table of this app


class Record(models.Model):
    """A row of a dataset, which knows the file and line that created it and that last changed it.

    Both are empty for a record that a curator made. A SourceFile belongs to one run, so the file tells the run.
    ``corrections`` has, for each stored column that a curator has corrected, what its file says.
    """

    created_in = models.ForeignKey(
        "imports.SourceFile", models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )
    created_line = models.PositiveIntegerField(null=True, editable=False)
    changed_in = models.ForeignKey(
        "imports.SourceFile", models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )
    changed_line = models.PositiveIntegerField(null=True, editable=False)
    corrections = JSONField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self):
        label = label_field(type(self))
        return f"{self._meta.verbose_name} {self.pk}" if label == self._meta.pk.name else str(getattr(self, label))


def new_identity() -> bytes:
    """Return an identity for a record that no file brought: 16 random bytes."""
    return uuid.uuid4().bytes


class ContentRecord(Record):
    """A record without a natural key: known by its file's name, its content, and how often that had come before.

    The identity is stored apart from the columns, so that a correction does not make a stranger of the record.
    Each subclass declares ``identity_is_unique("<table>")``, of datasets.constraints, among its constraints.
    """

    identity = models.BinaryField(max_length=16, default=new_identity, editable=False)

    class Meta:
        abstract = True


class Vocabulary(models.Model):
    """A value of a vocabulary that files bring: an import adds those that are new, and says which."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    created_in = models.ForeignKey(
        "imports.SourceFile", models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )

    listing = Listing(search=["name"])

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self):
        return self.name


class MaterializedView(models.Model):
    """A derived table: a materialized view on PostgreSQL, a plain view on SQLite, made by SQL beside a migration.

    Subclasses set ``managed = False`` and ``db_table``; the view has a unique index, so that it can be refreshed
    without locking out its readers.
    """

    class Meta:
        abstract = True
        managed = False


class Version(models.Model):
    """The version of a dataset, named by its app's label, or of a materialized view, named by its table."""

    name = models.CharField(primary_key=True, max_length=63)
    number = models.BigIntegerField(help_text="Microseconds since 1970, or one more than the last.")
    shows = models.BigIntegerField(
        null=True, help_text="Of a materialized view: the version of its dataset when it was last refreshed."
    )

    class Meta:
        db_table = "versions"

    def __str__(self):
        return f"{self.name} {self.number}"
