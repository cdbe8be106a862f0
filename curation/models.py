"""Comments of users on records and runs."""

from django.conf import settings
from django.db import models

LONGEST_COMMENT = 2000  # characters


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
