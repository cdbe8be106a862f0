"""Views: the start page, the Table tab, and unknown addresses."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from datasets.registry import main_model
from explore import pages
from explore.empty_results import removable_filters
from explore.filter_form import Form
from explore.pages import TABS, explored
from explore.table_page import listed
from explore.tables import TableNotFoundError, tables_for
from explore.url_state import State


@require_safe
@login_required
def start(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the chosen table, on the same tab, or to the user's table with the most columns."""
    tab = request.GET.get("tab", "table")
    tab = tab if tab in TABS else "table"
    if chosen := request.GET.get("table"):
        try:
            return redirect(pages.table_named(request, chosen).address(tab))
        except TableNotFoundError as error:
            return pages.no_such_table(request, error)
        except PermissionDenied:
            return pages.refused(request, 403, *pages.FORBIDDEN)
    seen = tables_for(request.user)
    if not seen:
        return pages.refused(request, 403, *pages.NO_TABLES)
    main = main_model(table.model for table in seen)
    return redirect(next(table for table in seen if table.model is main).address(tab))


@explored(simplified=True)
def table(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Table tab: a page of records."""
    listing = None if state.errors else listed(state)  # adds an error if the cursor is invalid
    empty = listing is not None and not listing.rows
    return pages.page(
        request,
        state,
        "table",
        "explore/table.html",
        picks_columns=True,
        page=listing,
        removable_filters=list(removable_filters(state)) if empty and state.filters else [],
    )


@explored()
def counts(request: HttpRequest, state: State) -> HttpResponseBase:
    """The exact counts of the choices of the filters, which replace those of the form."""
    context = {"form": Form(state, picks_columns=False, exact=True), "partial": state.paginator.exact_count is None}
    return render(request, "explore/counts.html", context, status=400 if state.errors else 200)


@explored()
def count(request: HttpRequest, state: State) -> HttpResponseBase:
    """The exact number of records, as text."""
    text = "" if state.errors else state.paginator.exact_display_count
    return HttpResponse(text, status=400 if state.errors else 200, content_type="text/plain; charset=utf-8")


@require_safe
@login_required
def nothing_here(request: HttpRequest, path: str) -> HttpResponseBase:
    """Redirect an address without its trailing slash; return 404 with the nearest table for any other address."""
    nearest = pages.nearest(request.user, path)
    if nearest and nearest.path == path:
        query = request.META["QUERY_STRING"]
        return redirect(nearest.address() + (f"?{query}" if query else ""))
    return pages.no_such_table(request, TableNotFoundError(path.strip("/"), nearest))
