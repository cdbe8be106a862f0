"""Base classes of every list in the admin: bounded counts, no query per row, masked personal data."""

from collections.abc import Callable
from functools import cache

from django.contrib import admin, messages
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.utils.text import capfirst

from curation.admin import list_defaults
from curation.admin.changelist import RecordChangeList
from datasets.listing import listing_of
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.records.columns import columns_of
from datasets.records.masking import hidden_fields, masked
from datasets.records.pagination import BoundedPaginator
from datasets.records.search import search
from exports.formats import FORMATS, ExportError, Format, export
from exports.responses import ExportResponse


class GuardedAdmin(admin.ModelAdmin):
    """An admin that does not reveal whether an object exists to users without view permission."""

    def history_view(self, request, object_id, extra_context=None):
        if not self.has_view_or_change_permission(request):  # Django looks for the object first
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


def _export_as(kind: Format) -> Callable:
    """Return the action that streams the selected records as a file of the given format."""

    @admin.action(description=f"Export the selected %(verbose_name_plural)s as {kind.title}", permissions=["view"])
    def send(model_admin, request, queryset):
        try:
            file = export(model_admin.model, queryset, None, request.user, kind.name, defused=True)
        except ExportError as error:
            model_admin.message_user(request, str(error), messages.ERROR)
            return None
        return ExportResponse(file)

    send.__name__ = f"export_as_{kind.name}"
    return send


EXPORTS = [_export_as(kind) for kind in FORMATS.values()]


class ListAdmin(GuardedAdmin):
    """A list; a dataset's list has a filter for each FilterSet column named in ``filter_columns``."""

    filter_columns: list[str] | None = None
    paginator = BoundedPaginator
    show_full_result_count = False
    change_list_template = "curation/change_list.html"
    list_per_page = 50
    ordering = ["pk"]
    actions = EXPORTS

    def __init__(self, model, admin_site):
        super().__init__(model, admin_site)
        self.search_fields = self.search_fields or listing_of(model).search
        if self.lists_records and self.list_display == admin.ModelAdmin.list_display:
            self.list_display = [field.name for field in list_defaults.shown_fields(model)]

    @property
    def lists_records(self) -> bool:
        """Whether the list shows a dataset's table, not imports or edits."""
        return issubclass(self.model, Record | Vocabulary | MaterializedView)

    def get_changelist(self, request, **kwargs):
        return RecordChangeList if self.lists_records else super().get_changelist(request, **kwargs)

    def changelist_view(self, request, extra_context=None):
        context = {"title": capfirst(self.opts.verbose_name_plural), **(extra_context or {})}
        response = super().changelist_view(request, context)
        changelist = getattr(response, "context_data", {}).get("cl")
        if getattr(changelist, "parameter_errors", None):
            response.status_code = 400
        return response

    def get_filter_columns(self, request) -> list[str]:
        """Return the names of the filter columns that the user may view."""
        columns = {column.name: column for column in columns_of(self.model)}
        return [
            name
            for name in self.filter_columns or ()
            if not columns[name].permission or request.user.has_perm(columns[name].permission)
        ]

    def get_search_results(self, request, queryset, search_term):
        if not self.lists_records:
            return super().get_search_results(request, queryset, search_term)
        paths = self.get_search_fields(request)
        return (search(queryset, paths, search_term) if paths and search_term else queryset), False

    def search_help(self, request) -> str | None:
        """Return the help text of the search with the names of the searched columns that the user may view."""
        if not (fields := self.get_search_fields(request)):
            return None
        paths = [path.removesuffix("__exact").removesuffix("__name").split("__") for path in fields]
        # The name of the reference is enough: "place of birth", not "place of birth city". But "subject id" is shorter
        # than "subject subject id".
        names = [path[-1] if not path[1:] or path[-1].startswith(path[-2]) else path[-2] for path in paths]
        return f"Matches the beginning of words in: {', '.join(dict.fromkeys(names)).replace('_', ' ')}."

    def get_actions(self, request):
        actions = super().get_actions(request)
        return actions if self.lists_records else {n: a for n, a in actions.items() if a[0] not in EXPORTS}

    @property
    def list_select_related(self) -> list[str]:
        """The displayed foreign keys, fetched with the rows."""
        references = {field.name for field in self.model._meta.concrete_fields if field.is_relation}
        return [name for name in self.list_display if name in references]

    def get_list_display(self, request):
        return self._masked(super().get_list_display(request), request)

    def get_list_filter(self, request):
        return [item for item in super().get_list_filter(request) if not self._is_hidden(item, request)]

    def get_search_fields(self, request):
        return [path for path in super().get_search_fields(request) if not self._is_hidden(path, request)]

    def get_sortable_by(self, request):
        return [name for name in super().get_sortable_by(request) if not callable(name)]

    def lookup_allowed(self, lookup, value, request):
        return not self._is_hidden(lookup, request) and super().lookup_allowed(lookup, value, request)

    def get_exclude(self, request, obj=None):
        hidden = hidden_fields(self.model, request.user) if obj else ()  # the add form has all fields
        return [*(super().get_exclude(request, obj) or ()), *hidden]

    def get_readonly_fields(self, request, obj=None):
        hidden = hidden_fields(self.model, request.user) if obj else ()
        return [*super().get_readonly_fields(request, obj), *self._masked(hidden, request)]

    def get_deleted_objects(self, objs, request):
        """Name ten of the records that protect *objs* from deletion: Django's admin loads all of them."""
        protectors = [
            protector
            for relation in self.model._meta.related_objects
            if relation.on_delete is models.PROTECT
            for protector in relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": objs})[:10]
        ]
        if protectors:
            kinds = {protector._meta.verbose_name_plural: 10 for protector in protectors}
            return [str(obj) for obj in objs], kinds, set(), [str(protector) for protector in protectors]
        return super().get_deleted_objects(objs, request)

    def _masked(self, names, request) -> list[str | Callable]:
        """Return *names* with a masking column in place of each personal field that the user may not view."""
        hidden = hidden_fields(self.model, request.user)
        return [_masked_column(self.model, name) if name in hidden else name for name in names]

    def _is_hidden(self, path, request) -> bool:
        """Return whether *path* contains a field that the user may not view."""
        if not isinstance(path, str):
            path = path[0] if isinstance(path, tuple | list) else ""
        model = self.model
        for part in path.lstrip("^=@").split("__"):
            try:
                field = model._meta.get_field(model._meta.pk.name if part == "pk" else part)
            except FieldDoesNotExist:
                return False
            if part in hidden_fields(model, request.user):
                return True
            if not field.is_relation:
                return False
            model = field.related_model
        return False


class ReadOnlyAdmin(ListAdmin):
    """A read-only list: imports write its rows, or the database derives them from records."""

    change_form_template = "curation/view_form.html"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@cache  # the admin compares columns by identity
def _masked_column(model: type[models.Model], name: str) -> Callable:
    @admin.display(description=model._meta.get_field(name).verbose_name)
    def column(record: models.Model) -> str | None:
        return masked(getattr(record, name))

    column.__name__ = name
    return column
