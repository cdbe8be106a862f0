"""The permissions that an undo or redo needs."""

from curation.history.edited_models import edited_models
from datasets.permissions import may
from datasets.records.masking import Viewer
from imports.models import Change, Edit, ImportRun

UNDO_RUN = "imports.undo_importrun"


def may_undo(user: Viewer, action: ImportRun | Edit) -> bool:
    """Return whether *user* has the permissions that undoing *action* needs: for an edit, on every edited model."""
    if isinstance(action, ImportRun):
        return user.has_perm(UNDO_RUN)
    edited = edited_models(action)
    kinds = set(action.changes.values_list("kind", flat=True).distinct().order_by())
    needed = {"change", "delete"} if kinds & {Change.Kind.CREATED, Change.Kind.DELETED} else {"change"}
    return user.has_perm("imports.view_edit") and all(may(user, name, model) for name in needed for model in edited)
