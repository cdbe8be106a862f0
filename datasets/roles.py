"""Who may do what: the groups *Curators* and *Analysts*, made and kept by every ``migrate``.

Curators import, correct and undo, and see everything of the datasets. Analysts only look, and see no personal data.
Neither can make users or tokens. What a group is given here comes back with the next migrate; for other needs, make
another.
"""

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.models import Q

from datasets.registry import dataset_apps

CURATORS, ANALYSTS = "Curators", "Analysts"
BOOKKEEPING = ("datasets", "imports")  # apps whose rows are written by imports and edits alone


def grant(app_config: AppConfig, using: str, apps=installed, **kwargs) -> None:
    """Give the groups what they may do with the app that has just been migrated."""
    if app_config.label not in (*BOOKKEEPING, *dataset_apps()):
        return
    try:
        group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # the accounts' own tables are not made yet, or are being taken down
    # Django makes the permissions at the same signal, maybe after us.
    create_permissions(app_config, verbosity=0, using=using, apps=apps)
    own = permission.objects.using(using).filter(content_type__app_label=app_config.label)
    own = own.exclude(content_type__model="apitoken")  # who makes tokens is chosen by name
    models = [model._meta.model_name for model in app_config.get_models()]
    look = Q(codename__in=[f"view_{name}" for name in models])
    keep = Q(codename__in=[f"{action}_{name}" for name in models for action in ("change", "delete")])
    curate = own.exclude(keep) if app_config.label in BOOKKEEPING else own  # a right to change it would mean nothing
    for name, allowed in [(CURATORS, curate), (ANALYSTS, own.filter(look))]:
        members, _ = group.objects.using(using).get_or_create(name=name)
        members.permissions.add(*allowed)
