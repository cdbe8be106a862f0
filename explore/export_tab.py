"""The Export tab: the file's contents and number of records, and the same export as an API address and a command.

The number of many records is an estimate at first. The page then requests itself with ``count=exact``.
"""

import shlex
from dataclasses import dataclass

from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from datasets.http.head_requests import is_head
from datasets.records.columns import columns_of
from datasets.records.masking import masked_name
from datasets.records.pagination import estimated_count
from datasets.records.parameter_names import OF_EXPORTS
from explore.pages import explored, page, refused
from explore.url_state import READABLE, State
from exports import xlsx
from exports.columns import is_masked
from exports.file_names import file_stem
from exports.formats import FORMATS, ExportError, Format, TooManyStreamsError, export
from exports.responses import ExportResponse, headers_of

PAGED = "json"  # the API sends JSON in pages, and complete lists as NDJSON


@dataclass(frozen=True)
class Order:
    """The requested file."""

    state: State
    format: Format
    compress: bool
    defused: bool

    @property
    def columns(self) -> list[str]:
        return [column.name for column in self.state.columns]

    @property
    def file_address(self) -> str:
        """The address of the file."""
        return reverse("explore:export-file", args=[self.state.table.dataset, self.state.table.name])

    def api_address(self) -> str | None:
        """Return the API address with the same content, or None if the API does not serve it."""
        if self.defused or self.format.name == PAGED:
            return None
        params = self.state.api_parameters()
        params["format"] = self.format.name
        if self.compress:
            params["compress"] = "gzip"
        address = reverse(f"{self.state.table.dataset}-{self.state.table.name}-list")
        return self.state.request.build_absolute_uri(f"{address}?{params.urlencode(safe=READABLE)}")

    def command(self) -> str:
        """Return the shell command that writes the same file."""
        state, words = self.state, ["python", "manage.py", "export", self.state.table.path]
        for name, value in state.filters.items():
            words += [f"--search={value}"] if name == "search" else ["--filter", f"{name}={value}"]
        if self.columns != [column.name for column in columns_of(state.model)]:
            words += [f"--columns={','.join(self.columns)}"]
        if "ordering" in state.data:
            words += [f"--ordering={state.data['ordering']}"]
        words += ["--format", self.format.name]
        words += ["--compress"] if self.compress else []
        words += ["--spreadsheet"] if self.defused else []
        if self._sees_personal_data():
            words += [f"--as-user={state.user.get_username()}"]
        return shlex.join([*words, "-o", self.filename])

    @property
    def filename(self) -> str:
        stem = file_stem(self.state.model, self.state.filters)
        name = f"{stem}{self.format.suffix}{'.gz' if self.compress else ''}"
        return masked_name(name) if self.masked else name

    @property
    def masked(self) -> list[str]:
        """The columns that are masked for the current user."""
        return [column.name for column in self.state.columns if is_masked(column, self.state.user)]

    def _sees_personal_data(self) -> bool:
        """Whether the file's values or the choice of its records depend on the current user's permissions."""
        state = self.state
        needed = {column.permission for column in state.columns} | {
            state.filterset.personal.get(name) for name in state.filters
        }
        needed |= {column.permission for column in columns_of(state.model)} if "search" in state.filters else set()
        named = [name.strip().removeprefix("-") for name in state.data.get("ordering", "").split(",")]
        needed |= {column.permission for column in columns_of(state.model) if column.name in named}
        return any(permission and state.user.has_perm(permission) for permission in needed)


@explored(own=OF_EXPORTS, simplified=True)
def form(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Export tab: the options, and a summary of the resulting file."""
    order = _order(state)
    return _form(request, state, order)


@explored(own=OF_EXPORTS)
def file(request: HttpRequest, state: State) -> HttpResponseBase:
    """Stream the file."""
    order = _order(state)
    if state.errors:
        return _form(request, state, order)
    ordered = state.records.order_by(*(key.expression(backwards=False) for key in state.order))
    try:
        made = export(
            state.model,
            ordered,
            order.columns,
            request.user,
            order.format.name,
            defused=order.defused,
            compress=order.compress,
            filters=state.filters,
            source=request.build_absolute_uri(state.table.address() + state.query().removesuffix("?")),
        )
    except TooManyStreamsError as error:
        answer = refused(request, 503, "Too many exports at once", str(error))
        answer["Retry-After"] = str(error.retry_after)
        return answer
    except ExportError as error:
        state.refuse("format", str(error))
        return _form(request, state, order)
    headers = made.headers | {"Cache-Control": "no-store"} | (state.summary.headers if state.summary else {})
    if is_head(request):
        return headers_of(made, headers)
    return ExportResponse(made, headers)


def _form(request: HttpRequest, state: State, order: Order) -> HttpResponse:
    wants_exact = state.data.get("count") == "exact"
    counted = "" if state.errors else _counted(state, exact=wants_exact)
    too_many = bool(counted) and order.format.name == "xlsx" and _exceeds(state.narrowed(), xlsx.MOST)
    api = None if state.errors else order.api_address()
    return page(
        request,
        state,
        "export",
        "explore/export.html",
        picks_columns=True,
        order=order,
        formats=FORMATS.values(),
        number=counted,
        exact_count="" if wants_exact or state.paginator.is_counted else state.query(count="exact"),
        too_many=f"{xlsx.MOST:,}" if too_many else "",
        download=order.file_address + state.query(count=None),
        api=api,
        api_rows=_rows_address(order) if api is None and not state.errors else None,
        command=order.command(),
    )


def _counted(state: State, *, exact: bool) -> str:
    """Return the number of records for display: an estimate if there are many, unless it has to be *exact*."""
    paginator = state.paginator
    if exact or paginator.is_exact:
        return f"{paginator.count if paginator.is_exact else state.records.order_by().count():,}"
    if not paginator.is_unfiltered and (estimate := estimated_count(state.records)):
        return f"about {max(estimate, paginator.count):,}"
    return paginator.display_count


def _exceeds(records: models.QuerySet, most: int) -> bool:
    return records.order_by().values("pk")[: most + 1].count() > most


def _rows_address(order: Order) -> str | None:
    """Return the API address of the same records in the closest format that the API serves."""
    near = Order(
        order.state, FORMATS["ndjson"] if order.format.name == PAGED else order.format, order.compress, defused=False
    )
    return near.api_address()


def _order(state: State) -> Order:
    """Read the export options from the URL; invalid ones become errors of *state*."""
    name = state.data.get("format", "csv")
    if name not in FORMATS:
        state.refuse("format", f"Expected one of {', '.join(FORMATS)}; found {name[:50]}.")
    chosen = FORMATS.get(name, FORMATS["csv"])
    compress, defused = _is_set(state, "compress", "gzip"), _is_set(state, "spreadsheet", "true")
    _is_set(state, "count", "exact")
    return Order(state, chosen, compress and not chosen.packed, defused and chosen.name == "csv")


def _is_set(state: State, name: str, word: str) -> bool:
    value = state.data.get(name)
    if value not in (None, word):
        state.refuse(name, f"Expected {word}, found {value[:50]}.")
    return value == word
