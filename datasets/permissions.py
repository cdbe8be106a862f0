"""The permissions of an account on the records of a model."""

from django.db.models import Model

from datasets.records.masking import Viewer


def may(user: Viewer, action: str, model: type[Model]) -> bool:
    """Return whether *user* may do *action*, such as ``change``, with records of *model*."""
    return user.has_perm(f"{model._meta.app_label}.{action}_{model._meta.model_name}")
