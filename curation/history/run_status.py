"""The status of a run that is undone or redone."""

from imports.models import ImportRun


def set_status(run: ImportRun, *, undone: bool) -> None:
    """Mark *run* as undone, or as applied again. Called in the transaction of the undo or redo, and nowhere else."""
    status = ImportRun.Status.UNDONE if undone else ImportRun.Status.APPLIED
    ImportRun.objects.filter(pk=run.pk).update(status=status)
