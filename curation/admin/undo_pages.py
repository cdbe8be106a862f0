"""The pages that undo or redo a run or an edit: a preview of the effect, or the blocking changes with links."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse

from curation.admin import confirmation
from curation.admin.reasons import posted_reason
from curation.history.edits import EditRefusedError
from curation.history.undo_first import seal_of_steps, undo_or_redo
from curation.history.undo_result import Conflict, Undone, UndoOvertakenError, UndoRefusedError, named
from datasets.http.signed_in import signed_in_user
from datasets.permissions import may
from datasets.records.masking import Viewer
from imports.models import Edit, ImportRun

View = Callable[..., HttpResponse]


def urls(view: View, name: str) -> list[URLPattern]:
    """Return the URLs of undo and redo, with and without the blocking changes; *name* is the prefix of their names."""
    return [
        path(
            f"<number:pk>/{verb}/{tail}", view, {"redo": verb == "redo", "first": bool(tail)}, f"{name}_{verb}{suffix}"
        )
        for verb in ("undo", "redo")
        for tail, suffix in (("", ""), ("first/", "_first"))
    ]


def undo_page(
    request: HttpRequest, admin: ModelAdmin[Any], action: ImportRun | Edit, *, redo: bool, first: bool
) -> HttpResponse:
    """Show the effect of an undo or redo of *action*, or its conflicts; do it when the user confirms.

    With *first*, first undo the changes that block it.
    """
    posted, verb = request.method == "POST", "redo" if redo else "undo"
    about = _about(action, redo=redo, first=first)
    steps, conflicts, reasons, moved = list[Undone](), list[Conflict](), list[str](), ""
    try:
        options = {
            "reason": posted_reason(request),
            "dry_run": not posted,
            "expecting": confirmation.seal_confirmed(request, about) if posted else "",
        }
        steps = undo_or_redo(action, signed_in_user(request), redo=redo, blockers_first=first, **options)
    except UndoOvertakenError as error:
        steps, moved = error.undone, confirmation.refusal(request, about)
    except UndoRefusedError as refusal:
        conflicts, reasons = refusal.conflicts, refusal.reasons
    except EditRefusedError as refusal:
        reasons = [str(refusal)]
    if posted and steps and not moved:
        messages.success(request, " ".join(_sentence(step) for step in steps))
        return HttpResponseRedirect(_page(action))
    context = admin.admin_site.each_context(request) | {
        "opts": admin.opts,
        "title": f"{verb.capitalize()} {named(action)} of {action.dataset}",
        "action": action,
        "name": named(action),
        "page": _page(action),
        "verb": verb,
        "steps": [{"step": step, "address": _page(step.action)} for step in steps],
        "reasons": [] if conflicts else reasons,
        "conflicts": [_described(conflict, request.user) for conflict in conflicts],
        "first_address": _address(action, f"{verb}_first") if conflicts and not first else None,
        "moved": moved,
        **(confirmation.show(request, about, seal_of_steps(steps)) if steps else {}),
    }
    return TemplateResponse(request, "curation/undo.html", context, status=409 if reasons or moved else 200)


def is_previewed(request: HttpRequest, edit: Edit) -> bool:
    """Return whether the posted form is that of the preview of an undo of *edit*, and not that of the edit's page."""
    return confirmation.seal_confirmed(request, _about(edit)) != confirmation.NOTHING


def refused(edit: Edit) -> HttpResponseRedirect:
    """Redirect to the page with the conflicts of the undo of *edit*."""
    return HttpResponseRedirect(_address(edit, "undo"))


def _about(action: ImportRun | Edit, *, redo: bool = False, first: bool = False) -> str:
    """Return the name of the action that a confirmation is bound to."""
    return f"preview: {'redo' if redo else 'undo'} {named(action)}{' and the changes that block it' if first else ''}"


def _sentence(step: Undone) -> str:
    verb = "redone" if step.redo else "undone"
    return f"{named(step.action).capitalize()} {verb}: {', '.join(step.done()) or 'it changed no records'}."


def _address(action: ImportRun | Edit, name: str) -> str:
    return reverse(f"admin:imports_{action._meta.model_name}_{name}", args=[action.pk])


def _page(action: ImportRun | Edit) -> str:
    return _address(action, "change")


def _described(conflict: Conflict, user: Viewer) -> dict[str, Any]:
    """Return a conflict for the page: links to its records and to the runs and edits that block."""
    seen = {"importrun": user.has_perm("imports.view_importrun"), "edit": user.has_perm("imports.view_edit")}
    return {
        "sentence": conflict.sentence,
        "records": list(_linked(conflict)) if may(user, "view", conflict.model) else [],
        "blockers": [
            {
                "name": named(blocker.action),
                "what": blocker.action,
                "records": blocker.records,
                "address": _page(blocker.action) if seen[str(blocker.action._meta.model_name)] else None,
            }
            for blocker in conflict.blockers
        ],
        "more": conflict.more,
    }


def _linked(conflict: Conflict) -> Iterator[tuple[str, str]]:
    """Yield the first records of *conflict* and the URLs of their histories, if the model has an admin."""
    meta = conflict.model._meta
    for key in conflict.keys:
        try:
            address = reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=[quote(key)])
        except NoReverseMatch:
            return
        yield f"{meta.verbose_name} {key}", address
