"""Summaries of lists: ``/api/<dataset>/<table>/summary/?by=education&measure=mean:hours_per_week``.

The filters are the same as for the list. A record whose key is ``summary`` can be read only through its list.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpResponseBase, QueryDict
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.etags import VersionedView, conditional
from api.negotiation import ORJSONRenderer
from datasets.query_values import whole_number
from datasets.records.aggregation import Summary, groupings, measures, summarise
from datasets.records.grouping import AggregationError
from datasets.records.parameter_names import OF_GROUPS, OF_SUMMARIES
from datasets.records.query_params import InvalidParametersError, narrowed
from exports.summaries import groups_as_csv

Result = TypeVar("Result")
LIMIT, LARGEST_LIMIT = 1000, 10_000  # groups
OF_LISTS_ALONE = {
    "page_size": "A summary is not paginated. Set limit for more or fewer groups.",
    "cursor": "A summary is not paginated. Remove cursor.",
    "count": "To count, use measure=count.",
    "fields": "The parameters by and measure set the columns of a summary.",
    "omit": "The parameters by and measure set the columns of a summary.",
}


class CSVRenderer(BaseRenderer):
    """A summary's groups as CSV, without formula escaping."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        names = list(data["columns"])
        return groups_as_csv(names, ([row[name] for name in names] for row in data["results"]))


class Summaries(VersionedView):
    """A mixin for viewsets of records that adds the action ``summary``."""

    @action(
        detail=False,
        renderer_classes=[
            ORJSONRenderer,
            CSVRenderer,
            *(kind for kind in APIView.renderer_classes if issubclass(kind, BrowsableAPIRenderer)),
        ],
    )
    @conditional
    def summary(self, request: Request) -> HttpResponseBase:
        """Count and measure the filtered records by group."""
        parameters, file_format = request.query_params, request.accepted_renderer.format
        single = QueryDict(mutable=True)
        for name, values in parameters.lists():
            if name not in OF_GROUPS:
                single.setlist(name, values)
        records, errors, more = narrowed(self.model, single, request.user, OF_SUMMARIES)
        errors |= {name: [message] for name, message in OF_LISTS_ALONE.items() if name in errors}
        by = _read(errors, groupings, self.model, _named(parameters, "by"), request.user)
        names = _named(parameters, "measure") if "measure" in parameters else ["count"]
        measured = _read(errors, measures, self.model, names, request.user)
        limit = _limit(parameters.get("limit"), errors)
        if errors:
            raise InvalidParametersError(errors, **more)
        ordering = _named(parameters, "ordering")
        summary = _read(errors, summarise, records, by, measured, ordering, limit)
        if summary and summary.truncated and file_format == "csv" and "limit" not in parameters:
            # CSV cannot mark a result as truncated.
            message = f"The summary has more than {LIMIT} groups. Set limit (at most {LARGEST_LIMIT}), or add filters."
            errors["limit"] = [message]
        if summary is None or errors:
            raise InvalidParametersError(errors)
        return Response(_served(summary))


def _served(summary: Summary) -> dict[str, Any]:
    rows = [dict(zip(summary.names, row, strict=True)) for row in summary.rows]
    return {"columns": summary.names, "truncated": summary.truncated, "results": rows}


def _read(errors: dict[str, list[str]], read: Callable[..., Result], *arguments: Any) -> Result | None:
    try:
        return read(*arguments)
    except AggregationError as error:
        errors.setdefault(error.parameter, [str(error)])
        return None


def _named(parameters: QueryDict, name: str) -> list[str]:
    """Return the names in a parameter, which may be repeated and may be comma-separated."""
    return [word.strip() for text in parameters.getlist(name) for word in text.split(",")]


def _limit(text: str | None, errors: dict[str, list[str]]) -> int:
    if text is None:
        return LIMIT
    try:
        return whole_number(text, 1, LARGEST_LIMIT)
    except ValueError as error:
        errors.setdefault("limit", [str(error)])
        return LIMIT
