"""Compare the origins of values with the histories of their records."""

from curation.history.origins import Origin, origins_of
from imports.models import Change
from tests.model import stored


def check_origins() -> None:
    """Assert that the change named by an origin has the present value, or else that the record was created with it."""
    histories = stored.histories()
    for table, model in stored.MODELS.items():
        for record in model.objects.all():
            row, changes = stored.row(table, str(record.pk)), histories.get((table, str(record.pk)), [])
            for name, origin in origins_of(record).items():
                column, place = stored.stored_name(table, name), (table, record.pk, name)
                rows = [change.after for change in changes if _is_from(change, origin)]
                if origin.edit:
                    assert not origin.edit.is_undone and rows[-1][column] == row[column], place
                elif origin.file and rows:
                    assert rows[-1][column] == row[column], place
                elif origin.file:
                    assert (origin.file.pk, origin.line) == (record.created_in_id, record.created_line), place


def _is_from(change: Change, origin: Origin) -> bool:
    """Return whether the edit of an origin made *change*, or the run from the line of the origin."""
    if origin.edit or change.edit_id:
        return origin.edit is not None and change.edit_id == origin.edit.pk
    after = change.after or {}
    place = after.get("changed_in_id"), after.get("changed_line")
    return origin.file is not None and place == (origin.file.pk, origin.line) and change.run_id == origin.file.run_id
