"""The query parameters of lists, summaries, Explore and the admin. A column cannot have the same name as one of them.

Each page and each route takes its parameters from here, so that a filter and a parameter never have the same name.
"""

from django.contrib.admin.views.main import ALL_VAR, IGNORED_PARAMS, PAGE_VAR, SEARCH_VAR

REPEATABLE = ("fields", "omit", "ordering")  # lists of columns, which may be repeated or comma-separated
OF_ANY = ("format", "fields", "omit")
OF_STREAMS = (*OF_ANY, "ordering", "search", "compress")
OF_PAGES = ("count", "page_size", "cursor")
OF_LISTS = (*OF_ANY, "ordering", "search", *OF_PAGES)

OF_GROUPS = ("by", "measure")  # of a summary; may be repeated
OF_SUMMARIES = ("format", *OF_GROUPS, "ordering", "limit")

OF_TABLES = ("columns", "ordering", "cursor")  # of Explore
OF_CHARTS = (
    *("kind", "x", "y", "colour", "measure", "weight", "bins", "sort", "scale", "title"),
    *("width", "height", "size", "theme"),
)
OF_EXPORTS = ("format", "compress", "spreadsheet", "count")

OF_ADMIN = (*IGNORED_PARAMS, ALL_VAR, PAGE_VAR, SEARCH_VAR)

PARAMETERS = frozenset(
    (*OF_STREAMS, *OF_LISTS, *OF_SUMMARIES, *OF_TABLES, *OF_CHARTS, *OF_EXPORTS, *OF_ADMIN),
)
