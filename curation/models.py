"""Comments of users on records and runs, and the columns that users have chosen for lists."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models

LONGEST_COMMENT = 2000  # characters
LONGEST_COLUMNS = 4000  # characters of the names of a list's columns


class Comment(models.Model):
    """A user's comment on a record or on a run. It changes no data, and stays when the record is deleted."""

    dataset = models.CharField(max_length=50, help_text="App label of the dataset.")
    run = models.ForeignKey("imports.ImportRun", models.CASCADE, null=True, blank=True, related_name="comments")
    table = models.CharField(max_length=63, blank=True, help_text="Table of the record. Empty for a run.")
    record = models.CharField(max_length=100, blank=True, help_text="Primary key of the record. Empty for a run.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(max_length=LONGEST_COMMENT)

    class Meta:
        db_table = "comments"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["table", "record"], name="comments_table_record")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(run__isnull=False, table="", record="")
                | models.Q(run__isnull=True) & ~models.Q(table="") & ~models.Q(record=""),
                name="comments_on_record_or_run",
            )
        ]

    def __str__(self) -> str:
        subject = f"run {self.run_id}" if self.run_id else f"{self.table} {self.record}"
        return f"comment {self.pk} on {subject}"


class ListColumns(models.Model):
    """The columns that a user has chosen for the list of a table in the admin, in their order."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    table = models.CharField(max_length=63)
    columns = models.CharField(
        max_length=LONGEST_COLUMNS, help_text="Names, separated by commas. Empty for the default columns."
    )

    class Meta:
        db_table = "list_columns"
        default_permissions = ()  # each user has only their own
        constraints = [models.UniqueConstraint(fields=["user", "table"], name="list_columns_user_table")]

    def __str__(self) -> str:
        return f"columns of {self.table} for {self.user}"

    @classmethod
    def of(cls, user: User | AnonymousUser, model: type[models.Model]) -> Sequence[str]:
        """Return the columns that *user* has chosen for *model*'s list; empty for the default ones."""
        kept = cls.objects.filter(user_id=user.pk, table=model._meta.db_table).values_list("columns", flat=True).first()
        return kept.split(",") if kept else []

    @classmethod
    def keep(cls, user: User, model: type[models.Model], columns: Sequence[Any]) -> None:
        """Store the *columns* of *model*'s list for *user*; empty to use the default ones."""
        text = ",".join(map(str, columns))[:LONGEST_COLUMNS]
        cls.objects.update_or_create(user=user, table=model._meta.db_table, defaults={"columns": text})
