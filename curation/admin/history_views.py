"""The history of a record, the list of deleted records, and restoring them."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst

from curation.admin import confirmation
from curation.admin.base_admin import M
from curation.admin.comments import add_comment, comments_section
from curation.admin.object_keys import is_key
from curation.admin.reasons import posted_reason
from curation.admin.record_editing import EditedAdmin
from curation.admin.stored_files import may_read_files
from curation.history import edits
from curation.history.timeline import Readable, Row, changes_of, entries, stored_row
from curation.history.tombstones import restorable_deletion
from datasets.http.signed_in import signed_in_user
from datasets.listing import label_field
from datasets.records.masking import hidden_fields, personal_names
from datasets.records.pagination import BoundedPaginator
from datasets.text import clean
from imports.models import Change

PAGE = 50
FORM = "form"  # value of "from" in a comment that was typed beside the form of the record


class HistoryAdmin(EditedAdmin[M]):
    """An admin with the full history of every record, deleted records included."""

    object_history_template = "curation/history.html"

    def get_urls(self) -> list[URLPattern]:
        meta, view = self.model._meta, self.admin_site.admin_view
        name = f"{meta.app_label}_{meta.model_name}"
        return [
            path("deleted/", view(self.deleted_view), name=f"{name}_deleted"),
            path("<path:object_id>/comment/", view(self.comment_view), name=f"{name}_comment"),
            path("<path:object_id>/restore/", view(self.restore_view), name=f"{name}_restore"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        record: M | None = options.get("obj")
        if record is not None:
            address, may_add = self.address("comment", quote(record.pk)), self.has_change_permission(request)
            context |= comments_section(self._subject(record.pk), address, may_add=may_add)
            context["comment_from"] = FORM
        return super().render_change_form(request, context, *args, **options)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show every change of a record: its run or curator, its time, and each field before and after."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        key = self._key(object_id)
        now, changes = stored_row(self.model, key), changes_of(self.model, key)
        page = Paginator(changes.select_related("run", "edit__user"), PAGE).get_page(request.GET.get("p"))
        start = page.start_index() - 1
        before = changes[start - 1].after if start > 0 else None
        history = entries(self.model, list(page), None if page.has_next() else now, request.user, before)
        if not history and now is None:
            return super().history_view(request, object_id, extra_context)  # Django reports the missing record
        last = restorable_deletion(changes) if now is None else None
        label = self._label(now or next(c.before for c in reversed(page.object_list) if c.before), key)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {label}",
            "opts": self.opts,
            "label": label,
            "key": quote(key),
            "exists": now is not None,
            "entries": history,
            "page": page,
            "restorable": last is not None and self._may_restore(request),
            "may_see_runs": request.user.has_perm("imports.view_importrun"),
            "may_read_files": may_read_files(request.user, self.opts.app_label),
            "may_see_edits": request.user.has_perm("imports.view_edit"),
            **(confirmation.show(request, self._restoring(key), str(last.pk)) if last else {}),
            **comments_section(
                self._subject(key),
                self.address("comment", object_id),
                may_add=self.has_change_permission(request),
            ),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """List the deleted records, most recent first."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        search = clean(request.GET.get("q", ""))
        page = BoundedPaginator(self._deleted(request, search), PAGE).get_page(request.GET.get("p"))
        changes = list(page)
        readable = Readable(self.model, request.user, (change.before for change in changes))
        may_restore = self._may_restore(request)
        deletions = [self._deletion_of(change) if may_restore else None for change in changes]
        rows = [
            {
                "change": change,
                "label": self._label(change.before, change.record),
                "key": quote(change.record),
                "fields": list(readable.differences(change.before, None)),
                "restorable": deletion is not None,
                **(confirmation.show(request, self._restoring(change.record), str(deletion.pk)) if deletion else {}),
            }
            for change, deletion in zip(changes, deletions, strict=True)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Deleted {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "rows": rows,
            "page": page,
            "search": search,
            "may_see_runs": request.user.has_perm("imports.view_importrun"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "curation/deleted.html", context)

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Restore a record that a curator or the undo of a run deleted."""
        if not self._may_restore(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = self._key(object_id)
        page = self.address("history", object_id)
        if not changes_of(self.model, key).exists():
            raise Http404
        last = restorable_deletion(changes_of(self.model, key))
        if last is None or stored_row(self.model, key):
            return self.refused(request, "There is no deletion that can be reversed. See the history.", page)
        about = self._restoring(key)
        if confirmation.seal_confirmed(request, about) != str(last.pk):
            return self.refused(request, f"{confirmation.refusal(request, about)} See the history.", page)
        try:
            deletion, user = Change.objects.filter(pk=last.pk), signed_in_user(request)
            edits.restore(deletion, self.model, user, reason=posted_reason(request))
        except edits.EditRefusedError as refusal:
            return self.refused(request, str(refusal), page)
        self.message_user(request, f"{capfirst(self._label(last.before, key))} restored.", messages.SUCCESS)
        return HttpResponseRedirect(page)

    def comment_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Add a comment to a record, which may have been deleted."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = self._key(object_id)
        if stored_row(self.model, key) is None and not changes_of(self.model, key).exists():
            raise Http404
        add_comment(request, self.opts.app_label, self._subject(key))
        page = "change" if request.POST.get("from") == FORM else "history"
        return HttpResponseRedirect(self.address(page, object_id))

    def _subject(self, key: Any) -> dict[str, str]:
        """Return the values of a comment that identify the record *key*."""
        return {"table": self.opts.db_table, "record": str(key)}

    def _deleted(self, request: HttpRequest, search: str) -> models.QuerySet:
        """Return the last deletion of each deleted record whose key equals or whose texts contain *search*."""
        later = Change.objects.filter(table=models.OuterRef("table"), record=models.OuterRef("record"))
        numbered = isinstance(self.model._meta.pk, models.IntegerField)
        kind = models.BigIntegerField() if numbered else models.CharField(max_length=100)
        key = Cast(models.OuterRef("record"), kind)
        deletions = Change.objects.filter(table=self.model._meta.db_table, kind=Change.Kind.DELETED)
        deletions = deletions.exclude(models.Exists(later.filter(pk__gt=models.OuterRef("pk"))))
        deletions = deletions.exclude(models.Exists(self.model._base_manager.filter(pk=key)))
        if search:
            matches = models.Q(record=search)
            hidden = hidden_fields(self.model, request.user)
            for field in self.model._meta.concrete_fields:
                if isinstance(field, models.CharField) and field.name not in hidden:
                    deletions = deletions.alias(**{f"had_{field.name}": KT(f"before__{field.column}")})
                    matches |= models.Q(**{f"had_{field.name}__folded_contains": search})
            deletions = deletions.filter(matches)
        return deletions.select_related("run", "edit__user").order_by("-pk")

    def _restoring(self, key: Any) -> str:
        """Return the name of the action that a confirmation of a restoration is bound to."""
        return f"restore {self.opts.label} {key}"

    def _may_restore(self, request: HttpRequest) -> bool:
        return self.has_delete_permission(request)

    def _deletion_of(self, change: Change) -> Change | None:
        """Return the deletion that restoring the record would reverse; *change* is its last deletion."""
        return restorable_deletion(changes_of(self.model, change.record), change)

    def _key(self, object_id: str) -> Any:
        text = unquote(object_id)
        if not is_key(self.model, text):
            raise Http404
        return self.model._meta.pk.to_python(text)

    def _label(self, row: Row, key: Any) -> str:
        """Return the label of a stored row."""
        name = label_field(self.model)
        value = None if name in personal_names(self.model) else row.get(name)
        label = f"{self.opts.verbose_name} {key}"
        return label if value is None or str(value) == str(key) or name == self.opts.pk.name else f"{label}: {value}"
