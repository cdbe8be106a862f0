"""The groups *Curators* and *Analysts*, which every ``migrate`` creates or updates.

Curators can import, correct and undo, and see all data. Analysts can only view data, except for personal data. Neither
group can create users or tokens. Every ``migrate`` restores the permissions granted here. To grant other permissions,
create another group.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db.models import Q

from datasets.registry import dataset_apps

CURATORS, ANALYSTS = "Curators", "Analysts"
BOOKKEEPING = ("datasets", "imports", "curation")  # apps whose rows cannot be changed in forms


def grant(app_config: AppConfig, using: str, apps: Apps = installed, **kwargs: Any) -> None:
    """Grant the groups their permissions for the app that has just been migrated."""
    if app_config.label not in (*BOOKKEEPING, *dataset_apps()):
        return
    try:
        group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # the tables of django.contrib.auth do not exist yet
    # Django creates the permissions with the same signal, possibly later.
    create_permissions(app_config, verbosity=0, using=using, apps=apps)
    own = permission.objects.using(using).filter(content_type__app_label=app_config.label)
    own = own.exclude(content_type__model="apitoken")  # an administrator grants this permission to individual accounts
    models = [model._meta.model_name for model in app_config.get_models()]
    view = Q(codename__in=[f"view_{name}" for name in models])
    change = Q(codename__in=[f"{action}_{name}" for name in models for action in ("change", "delete")])
    curate = own.exclude(change) if app_config.label in BOOKKEEPING else own  # bookkeeping rows cannot be edited
    for name, allowed in [(CURATORS, curate), (ANALYSTS, own.filter(view))]:
        members, _ = group.objects.using(using).get_or_create(name=name)
        members.permissions.add(*allowed)
