"""A list of records in the admin, filtered by the model's FilterSet with the parameters of the API and the explorer."""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any

from django.contrib.admin.filters import ListFilter
from django.contrib.admin.views.main import IGNORED_PARAMS, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.paginator import InvalidPage
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

from curation.admin.changelist_filters import ColumnFilter, filters_of
from curation.admin.date_hierarchy import periods_of
from curation.admin.explore_links import explore_address
from datasets.query_values import whole_number
from datasets.records.facets import Facets
from datasets.records.filters import UnknownParametersError, record_filterset
from datasets.records.formatting import describe_filters
from datasets.records.masking import Viewer
from datasets.records.ordering import is_quick, order_of_keys, read_slowly_sorted
from datasets.records.pagination import BoundedPaginator
from datasets.records.search import MOST_WORDS, words_of


class RecordChangeList(ChangeList):
    """Report unknown and invalid parameters and list no records: ignoring a parameter would list all of them."""

    parameter_errors: dict[str, list[str]]
    filters: list[ColumnFilter]
    queryset: models.QuerySet
    paginator: BoundedPaginator

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any):
        self.parameter_errors = {}
        self._request = request
        super().__init__(request, *args, **kwargs)
        # Django's own date hierarchy reads every row, and its parameters are not those of the FilterSet.
        self.days, self.date_hierarchy = self.date_hierarchy, None
        self.search_help_text = search_help(self.search_fields)

    def get_filters(self, request: HttpRequest) -> tuple[list[ListFilter], bool, dict[str, bool | str], bool, bool]:
        # A form also sends its empty inputs; they filter nothing.
        self.filter_params = {name: values for name, values in self.filter_params.items() if any(values)}
        params = self.get_filters_params()
        data = QueryDict(mutable=True)
        for name, values in params.items():
            data.setlist(name, values)
        filterset_class = record_filterset(self.model)
        try:
            filterset_class.check_parameters(data, request.user, besides=[*IGNORED_PARAMS, PAGE_VAR])
            filterset = filterset_class(data, self.root_queryset, request.user)
            if not filterset.is_valid():
                self.parameter_errors |= {name: list(errors) for name, errors in filterset.errors.items()}
        except UnknownParametersError as error:
            self.parameter_errors |= error.messages
        if (count := len(words_of(self.query))) > MOST_WORDS:
            self.parameter_errors[SEARCH_VAR] = [f"Expected at most {MOST_WORDS} words, found {count}."]
            self.query = ""
        self.filter_data = data
        chosen = {name: values[-1] for name, values in params.items()}
        self.filters = filters_of(self.model, [str(name) for name in self.list_filter], chosen)
        # The templates use only these attributes of a ListFilter.
        return self.filters, bool(self.filters), {}, False, bool(params)  # type: ignore[return-value]

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> models.QuerySet:
        words = self.query
        try:
            self._searched = super().get_queryset(request)
        finally:
            self.query = words  # the search box shows the words even if there are too many
        return self.narrowed()

    def narrowed(self, without: Sequence[str] = ()) -> models.QuerySet:
        """Return the records that match the search and the parameters, ignoring the parameters *without*."""
        if self.parameter_errors:
            return self._searched.none()
        if not without and getattr(self, "paginator", None) and self.paginator.matched_ids is not None:
            return self._searched.model._default_manager.filter(pk__in=self.paginator.matched_ids)
        data = self.filter_data.copy()
        for name in without:
            data.pop(name, None)
        return record_filterset(self.model)(data, self._searched, self._request.user).qs

    def get_results(self, request: HttpRequest) -> None:
        paginator = BoundedPaginator(self.queryset, self.list_per_page)
        if paginator.matched_ids is not None:
            records = self.apply_select_related(
                self.model_admin.get_queryset(request).filter(pk__in=paginator.matched_ids)
            )
            self.queryset = records.order_by(*self.queryset.query.order_by)
        # As in Django, but with one count query.
        self.paginator, self.result_count = paginator, paginator.count
        self.full_result_count, self.show_full_result_count, self.show_admin_actions = None, False, True
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        try:
            self.page_num = self.paginator.validate_number(whole_number(request.GET.get(PAGE_VAR, "1"), 1))
        except (InvalidPage, ValueError):
            self.page_num = 1
            self.parameter_errors[PAGE_VAR] = [f"Expected a page from 1 to {self.paginator.num_pages:,}."]

    @cached_property
    def result_list(self) -> models.QuerySet:
        """The records of the page, or no records for an invalid page; read when the page is rendered.

        Raises SlowOrderError.
        """
        if PAGE_VAR in self.parameter_errors:
            return self.queryset.none()
        if not self.multi_page or (self.show_all and self.can_show_all):
            return self.queryset
        first = (self.page_num - 1) * self.list_per_page
        last = first + self.list_per_page
        if self.paginator.matched_ids is not None:
            return self.queryset[first:last]
        order = self.queryset.query.order_by
        keys: Any = self.queryset.values("pk")[first:last]
        if self.paginator.is_large and not is_quick(self.model, order[0]):
            keys = read_slowly_sorted(self.queryset.order_by(*order_of_keys(self.queryset, order))[first:last])
        return self.apply_select_related(self.root_queryset.filter(pk__in=keys)).order_by(*order)

    @cached_property
    def slow_columns(self) -> set[Any]:
        """The displayed columns by which a list of this size is slow to sort."""
        if not self.paginator.is_large:
            return set()
        return {name for name in self.list_display if not is_quick(self.model, self.get_ordering_field(name))}

    def get_query_string(
        self,
        new_params: dict[str, Any] | None = None,
        remove: Iterable[str] | None = None,
        remove_exactly: Collection[str] = (),
    ) -> str:
        """Return the list's query string without the parameters *remove_exactly* and with *new_params*.

        Django's *remove* removes every parameter with that prefix: ``age`` would also remove ``age_group``.
        """
        if not remove_exactly:
            return super().get_query_string(new_params, remove)
        kept = {name: values for name, values in self.filter_params.items() if name not in remove_exactly}
        return "?" + urlencode(sorted((kept | (new_params or {})).items()), doseq=True)

    @cached_property
    def periods(self) -> dict[str, Any] | None:
        """The links of the date hierarchy, or None."""
        if self.parameter_errors or self.days not in self.list_filter:
            return None
        return periods_of(self.model, self.days, self.filter_data, self.get_query_string)

    @property
    def user(self) -> Viewer:
        """The user who sees the list."""
        return self._request.user

    @cached_property
    def chosen_filters(self) -> dict[str, str]:
        """The active filters, including the search, with the names of the API's parameters."""
        words = {"search": self.query} if self.query else {}
        return {**words, **{name: values[-1] for name, values in self.filter_data.lists()}}

    @cached_property
    def chips(self) -> list[tuple[str, str]]:
        """The description of each active filter, and the query string without it."""
        return [
            (
                description.text,
                self.get_query_string(
                    remove_exactly={PAGE_VAR, {"search": SEARCH_VAR}.get(description.parameter, description.parameter)}
                ),
            )
            for description in describe_filters(self.model, self.chosen_filters)
        ]

    @property
    def explore_link(self) -> str:
        """The address of the same list in Explore, or "" if Explore does not show it."""
        return "" if self.parameter_errors else explore_address(self.model, self.chosen_filters)

    @property
    def count_link(self) -> str:
        """The address of the exact number of records, or "" if the list has counted them."""
        if self.parameter_errors or self.paginator.is_counted:
            return ""
        return explore_address(self.model, self.chosen_filters, "count")

    @property
    def counts_link(self) -> str:
        """The address of the exact counts of choices, or "" if the list has them or shows none."""
        return (
            explore_address(self.model, self.chosen_filters, "counts") if self.facets and self.facets.is_partial else ""
        )

    @cached_property
    def facets(self) -> Facets | None:
        """The counts of the choices, or None if facets are off."""
        if not self.add_facets or self.parameter_errors:
            return None
        active: dict[str, Collection[str]] = {spec.column.name: spec.parameters for spec in self.filters if spec.active}
        return Facets(self, [spec.widget for spec in self.filters], active)


def search_help(fields: Sequence[str]) -> str | None:
    """Return the help text of the search, with the names of the columns that it searches."""
    if not fields:
        return None
    paths = [path.removesuffix("__exact").removesuffix("__name").split("__") for path in fields]
    # The name of the reference is enough: "place of birth", not "place of birth city". But "subject id" is shorter
    # than "subject subject id".
    names = [path[-1] if not path[1:] or path[-1].startswith(path[-2]) else path[-2] for path in paths]
    return f"Matches the beginning of words in: {', '.join(dict.fromkeys(names)).replace('_', ' ')}."
