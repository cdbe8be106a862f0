"""Rejected rows that have been resolved: fixed by an import, or ignored by a curator."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Cast

LONGEST_REASON = 500  # characters


class RowState(models.TextChoices):
    """The state of a rejected row."""

    OPEN = "open"
    FIXED = "fixed"  # an import of fixed rows has created its record
    IGNORED = "ignored"  # a curator has chosen to ignore it


class ResolvedRowQuerySet(models.QuerySet["ResolvedRow"]):
    """Queries for resolved rows."""

    def in_force(self, *tables: type[models.Model]) -> Self:
        """Return the rows of *tables* that are ignored, or that an applied run has fixed if the record still exists."""
        has_record = models.Case(
            *(models.When(source=table._meta.db_table, then=models.Exists(_record(table))) for table in tables),
            default=False,
            output_field=models.BooleanField(),
        )
        is_fixed = models.Q(state=RowState.FIXED, run__status="applied") & models.Q(has_record)
        return self.filter(models.Q(state=RowState.IGNORED) | is_fixed)


def _record(table: type[models.Model]) -> models.QuerySet[models.Model]:
    """Return the record of *table* that was created from a fixed row."""
    pk = table._meta.pk
    as_key = models.BigIntegerField() if isinstance(pk, models.IntegerField) else models.CharField()
    return table._default_manager.filter(pk=Cast(models.OuterRef("record"), as_key))


class ResolvedRow(models.Model):
    """A rejected row that is fixed or ignored in every import of its file.

    A row is fixed only as long as the run that fixed it is applied and the record exists. If the run is undone or the
    record is deleted, the row is open again.
    """

    source = models.CharField(max_length=50, help_text="Table of the row's source.")
    name = models.CharField(max_length=255, help_text="Name of the row's file.")
    identity = models.BinaryField(max_length=16, editable=False)  # the same as the RejectedRow's
    state = models.CharField(
        max_length=10, choices=[(state.value, state.label) for state in (RowState.FIXED, RowState.IGNORED)]
    )
    run = models.ForeignKey(
        "imports.ImportRun",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="fixed_rows",
        help_text="Run that fixed the row.",
    )
    record = models.CharField(max_length=100, blank=True, help_text="Primary key of the record made from the row.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, help_text="Why the row is ignored.")

    objects = ResolvedRowQuerySet.as_manager()

    class Meta:
        db_table = "resolved_rows"
        ordering = ["pk"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["source", "name"], name="resolved_rows_source_name"),
            models.Index(fields=["identity"], name="resolved_rows_identity"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(state="ignored"), name="resolved_rows_ignored_once"
            ),
            models.UniqueConstraint(fields=["run", "identity"], name="resolved_rows_fixed_once_per_run"),
            models.CheckConstraint(
                condition=models.Q(state="fixed", run__isnull=False) | models.Q(state="ignored", run__isnull=True),
                name="resolved_rows_fixed_by_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} row of {self.name}"
