"""Base models of the datasets: records with provenance and corrections, vocabularies, views and data versions."""

import uuid
from typing import Any

from django.db import models

from datasets.fields import JSONField
from datasets.listing import Listing, label_field
from datasets.origin_index import origin_indexes
from datasets.tokens import ApiToken  # noqa: F401 - a table of this app


class Record(models.Model):
    """A row of a dataset with its provenance: the file and line that created it, and those that last changed it.

    Both are empty for a record that a curator created. Each SourceFile belongs to one run, so the file also identifies
    the run. ``corrections`` maps each column that a curator has corrected to the file's value.

    Each table has the indexes of ``origin_indexes()``, in addition to those of its Meta.
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

    def __str__(self) -> str:
        label = label_field(type(self))
        return f"{self._meta.verbose_name} {self.pk}" if label == self._meta.pk.name else str(getattr(self, label))


def _add_indexes(sender: type[models.Model], **kwargs: Any) -> None:
    """Add the indexes of Record to a new model. Migrations have them in each model's options."""
    if issubclass(sender, Record) and not sender._meta.proxy:
        sender._meta.indexes = [*sender._meta.indexes, *origin_indexes(sender)]
        sender._meta.original_attrs["indexes"] = sender._meta.indexes


models.signals.class_prepared.connect(_add_indexes)


def new_identity() -> bytes:
    """Return 16 random bytes as the identity of a record that a curator creates."""
    return uuid.uuid4().bytes


class ContentRecord(Record):
    """A record without a natural key, identified by file name, content, and the number of identical rows before it.

    The identity is stored in a separate column, so imports still recognize the record after a correction. Each subclass
    must include ``identity_is_unique("<table>")`` from datasets.constraints in its constraints.
    """

    identity = models.BinaryField(max_length=16, default=new_identity, editable=False)

    class Meta:
        abstract = True


class Vocabulary(models.Model):
    """A term of a vocabulary, which is a small list of names. Imports add new terms to it and report them."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    created_in = models.ForeignKey(
        "imports.SourceFile", models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )

    listing = Listing(search=["name"])

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MaterializedView(models.Model):
    """A summary table: a materialized view on PostgreSQL, and on SQLite a table with the rows of a view.

    Subclasses set ``managed = False`` and ``db_table``. SQL beside a migration creates the view. PostgreSQL needs a
    unique index on it to refresh it without blocking readers.
    """

    class Meta:
        abstract = True
        managed = False


def live_view(table: str) -> str:
    """Return the name of SQLite's view that computes the rows of the summary table *table*."""
    return f"{table}_live"


class Version(models.Model):
    """The version of a dataset (named by its app label), a materialized view (its table) or an analytical copy."""

    name = models.CharField(primary_key=True, max_length=63)
    number = models.BigIntegerField(help_text="Microseconds since 1970, or the previous number plus 1.")
    untracked = models.BigIntegerField(
        default=0, help_text="The last version with a change that is neither in a run nor in an edit, or 0."
    )
    shows = models.BigIntegerField(
        null=True,
        help_text="For a materialized view or an analytical copy: the dataset's version at its last refresh.",
    )
    problem = models.TextField(
        blank=True,
        default="",
        help_text="For a materialized view or an analytical copy: why its last refresh failed, or empty.",
    )

    class Meta:
        db_table = "versions"

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class RequestRate(models.Model):
    """The requests of a client of the API, counted for all processes of all hosts (see datasets.http.request_rates)."""

    client = models.CharField(max_length=200, primary_key=True)
    arrival = models.FloatField(help_text="Theoretical arrival time of the next request, in seconds since 1970.")

    class Meta:
        db_table = "request_rates"
        default_permissions = ()  # only the API reads and writes it

    def __str__(self) -> str:
        return self.client
