"""Base classes of every list in the admin: bounded counts, no query per row, masked personal data."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.text import capfirst

from curation.admin import list_defaults
from curation.admin.changelist import RecordChangeList
from datasets.fields import field_of, related_model
from datasets.listing import listing_of
from datasets.models import MaterializedView, Record, Vocabulary
from datasets.records.columns import columns_of
from datasets.records.masking import hidden_fields, masked
from datasets.records.ordering import SLOW, SlowOrderError
from datasets.records.pagination import BoundedPaginator
from datasets.records.search import search
from exports.formats import FORMATS, ExportError, Format, export
from exports.responses import ExportResponse

M = TypeVar("M", bound=models.Model)
Column = Any  # of a list or a page: a name or a function; the type in django-stubs is too narrow


class GuardedAdmin(admin.ModelAdmin[M]):
    """An admin that does not reveal whether an object exists to users without view permission."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):  # Django looks for the object first
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)


def _export_as(kind: Format) -> Callable[..., HttpResponseBase | None]:
    """Return the action that streams the selected records as a file of the given format."""

    @admin.action(description=f"Export the selected %(verbose_name_plural)s as {kind.title}", permissions=["view"])
    def send(
        model_admin: admin.ModelAdmin[Any], request: HttpRequest, queryset: models.QuerySet
    ) -> HttpResponseBase | None:
        try:
            source = request.build_absolute_uri()
            file = export(model_admin.model, queryset, None, request.user, kind.name, defused=True, source=source)
        except ExportError as error:
            model_admin.message_user(request, str(error), messages.ERROR)
            return None
        return ExportResponse(file)

    send.__name__ = f"export_as_{kind.name}"
    return send


EXPORTS = [_export_as(kind) for kind in FORMATS.values()]


class ListAdmin(GuardedAdmin[M]):
    """A list; a dataset's list has a filter for each FilterSet column named in ``filter_columns``."""

    filter_columns: list[str] | None = None
    paginator = BoundedPaginator
    show_full_result_count = False
    change_list_template = "curation/change_list.html"
    list_per_page = 50
    ordering = ["pk"]
    actions: Sequence[Callable[..., Any] | str] = EXPORTS

    def __init__(self, model: type[M], admin_site: admin.AdminSite):
        super().__init__(model, admin_site)
        self.search_fields = self.search_fields or list(listing_of(model).search)  # type: ignore[misc]  # by model
        if self.lists_records and tuple(self.list_display) == ("__str__",):  # Django's default
            self.list_display = [field.name for field in list_defaults.shown_fields(model)]

    @property
    def lists_records(self) -> bool:
        """Whether the list shows a dataset's table, not imports or edits."""
        return issubclass(self.model, Record | Vocabulary | MaterializedView)

    @property
    def media(self) -> Media:
        """The scripts of lists and of the fields of forms. Those of Django need jQuery and have parts without use."""
        return Media(js=["admin/js/core.js", "admin/js/actions.js"])

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of a form, without icons that add and edit related objects in other windows."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if not self.lists_records and isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # type: ignore[union-attr]
        return field

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordChangeList if self.lists_records else super().get_changelist(request, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": capfirst(self.opts.verbose_name_plural), **(extra_context or {})}
        try:
            response = super().changelist_view(request, context)
        except SlowOrderError as error:
            if ORDER_VAR not in request.GET:
                raise
            return self._in_usual_order(request, error)
        changelist = getattr(response, "context_data", {}).get("cl")
        if getattr(changelist, "parameter_errors", None):
            response.status_code = 400
        return response

    def _in_usual_order(self, request: HttpRequest, error: SlowOrderError) -> HttpResponse:
        """Redirect to the list without the order that took too long, with a message."""
        text = f"Sorting {self.opts.verbose_name_plural} by this column takes more than {error.seconds:g} seconds"
        self.message_user(request, f"{text}. Add filters, or sort by a column that is not {SLOW}.", messages.ERROR)
        params = request.GET.copy()
        for name in (ORDER_VAR, PAGE_VAR):
            params.pop(name, None)
        return HttpResponseRedirect(f"{request.path}?{params.urlencode()}")

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        if not self.lists_records:
            return super().get_search_results(request, queryset, search_term)
        paths = self.get_search_fields(request)
        return (search(queryset, paths, search_term) if paths and search_term else queryset), False

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Callable[..., str], str, str] | None]:
        actions = super().get_actions(request)
        if self.lists_records:
            return actions
        return {name: action for name, action in actions.items() if action and action[0] not in EXPORTS}

    def get_list_select_related(self, request: HttpRequest) -> bool | list[str] | tuple[str, ...]:
        """Return the displayed foreign keys, to fetch them with the rows, unless the class names others."""
        references = {field.name for field in self.model._meta.concrete_fields if field.is_relation}
        shown = {str(name).split("__")[0] for name in self.get_list_display(request) if isinstance(name, str)}
        return self.list_select_related or sorted(references & shown)

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        return self._masked(super().get_list_display(request), request)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the filters that the user may see; for a dataset's table, the names of their columns."""
        columns = {column.name: column.permission for column in columns_of(self.model)} if self.lists_records else {}
        allowed = [
            name for name in self.filter_columns or () if not (needed := columns[name]) or request.user.has_perm(needed)
        ]
        return [item for item in (*super().get_list_filter(request), *allowed) if not self._is_hidden(item, request)]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [path for path in super().get_search_fields(request) if not self._is_hidden(path, request)]

    def get_sortable_by(self, request: HttpRequest) -> list[Column]:
        return [name for name in super().get_sortable_by(request) if not callable(name)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return not self._is_hidden(lookup, request) and super().lookup_allowed(lookup, value, request)

    def get_exclude(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        hidden = hidden_fields(self.model, request.user) if obj else ()  # the add form has all fields
        return [*(super().get_exclude(request, obj) or ()), *hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[Column]:
        hidden = hidden_fields(self.model, request.user) if obj else ()
        return [*super().get_readonly_fields(request, obj), *self._masked(hidden, request)]

    def get_deleted_objects(
        self, objs: Sequence[M] | models.QuerySet[M], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[Any]]:
        """Name ten of the records that protect *objs* from deletion: Django's admin loads all of them."""
        protectors = [
            protector
            for relation in self.model._meta.related_objects
            if relation.on_delete is models.PROTECT
            for protector in relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": objs})[:10]
        ]
        if protectors:
            kinds = {str(protector._meta.verbose_name_plural): 10 for protector in protectors}
            return [str(obj) for obj in objs], kinds, set(), [str(protector) for protector in protectors]
        return super().get_deleted_objects(objs, request)

    def _masked(self, names: Iterable[Column], request: HttpRequest) -> list[Column]:
        """Return *names* with a masking column in place of each personal field that the user may not view."""
        hidden = hidden_fields(self.model, request.user)
        return [_masked_column(self.model, name) if name in hidden else name for name in names]

    def _is_hidden(self, item: Any, request: HttpRequest) -> bool:
        """Return whether the path of *item*, a filter or a path itself, contains a field that the user may not view."""
        path = item[0] if isinstance(item, tuple | list) else item
        if not isinstance(path, str):
            return False
        model: type[models.Model] = self.model
        for part in path.lstrip("^=@").split("__"):
            try:
                field = field_of(model, model._meta.pk.name if part == "pk" else part)
            except FieldDoesNotExist:
                return False
            if part in hidden_fields(model, request.user):
                return True
            if not field.is_relation:
                return False
            model = related_model(field)
        return False


class ReadOnlyAdmin(ListAdmin[M]):
    """A read-only list: imports write its rows, or the database derives them from records."""

    change_form_template = "curation/view_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


@cache  # the admin compares columns by identity
def _masked_column(model: type[models.Model], name: str) -> Callable[[models.Model], str | None]:
    @admin.display(description=field_of(model, name).verbose_name)
    def column(record: models.Model) -> str | None:
        return masked(getattr(record, name))

    column.__name__ = name
    return column
