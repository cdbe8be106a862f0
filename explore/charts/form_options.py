"""The options of the Chart tab: for each kind of chart, those that fit the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from django.db import models

from datasets.records.aggregation import can_be_parted, can_measure
from datasets.records.columns import ListedColumn
from datasets.records.filter_widgets import title_of
from datasets.records.masking import Viewer
from explore.charts.axes import can_follow, columns_for, is_ordered
from explore.charts.chart_spec import (
    FEWEST_BINS,
    KINDS,
    LONGEST_TITLE,
    MOST_BINS,
    SCALES,
    SCALES_OF_POINTS,
    USED,
    Drawing,
)
from explore.charts.labels import title
from explore.charts.low_cardinality import few_valued
from explore.charts.measures import records_word, weights_of

# The role of each axis: groups, places (numbers and dates), or numbers.
ROLES = {
    "bar": {"x": "group"},
    "line": {"x": "place"},
    "histogram": {"x": "number"},
    "box": {"x": "group", "y": "number"},
    "heat": {"x": "group", "y": "group"},
    "scatter": {"x": "number", "y": "number"},
}
YES_OR_NO = {"mean": "share", "sum": "count"}
LABELS = {
    "kind": "Kind",
    "x": "X axis",
    "y": "Y axis",
    "colour": "Split by colour",
    "measure": "Measure",
    "weight": "Weight by",
    "bins": "Bins (approximate)",
    "sort": "Sort by",
    "scale": "Scale of values",
    "title": "Title",
}
AXES = {
    "bar": {"x": "Category"},
    "histogram": {"x": "Value"},
    "box": {"x": "Category", "y": "Value"},
}
OF_COLUMNS = ("mean", "median", "sum")
HOLDING = {"group": "to group by", "place": "of dates or numbers", "number": "of numbers"}


@dataclass(frozen=True)
class Option:
    """An option of a select, or a kind of chart. *lacks* says why it cannot be chosen."""

    value: str
    label: str
    chosen: bool
    lacks: str = ""


@dataclass(frozen=True)
class Box:
    """A field of the form: a select, whose groups of options may have a label, a number with limits, or a text."""

    name: str
    label: str
    groups: tuple[tuple[str, tuple[Option, ...]], ...] = ()
    value: int | str = 0
    least: int = FEWEST_BINS
    most: int = MOST_BINS

    @property
    def is_text(self) -> bool:
        return isinstance(self.value, str)


def fitted(model: type[models.Model], drawing: Drawing, user: Viewer) -> Drawing:
    """Return *drawing* without the parameters that its kind does not use, and *filled*.

    So a user who changes the kind sees a chart, whichever options the previous chart had.
    """
    plain = Drawing()
    drawing = replace(drawing, **{name: getattr(plain, name) for name in drawing.unused})
    if drawing.kind == "histogram" and drawing.measure not in ("count", "share"):
        drawing = replace(drawing, measure="count")
    known = {column.name for role in ("group", "place", "number") for column in columns_for(model, user, role)}
    for name, role in ROLES[drawing.kind].items():
        fits = [column.name for column in columns_for(model, user, role)]
        column = getattr(drawing, name).partition(":")[0]
        if column not in fits and column in known:  # an unknown column is an error
            drawing = drawing.with_column(name, "")
    return filled(model, drawing, user)


def filled(model: type[models.Model], drawing: Drawing, user: Viewer) -> Drawing:
    """Return *drawing* with a column for each axis that needs one, preferably one with few groups.

    The mean and the sum of a boolean column are named as in the form: the share and the count of yes.
    """
    kind, _, measured = drawing.measure.partition(":")
    if kind in YES_OR_NO and measured in {column.name for column in _yes_or_no(model, user)}:
        drawing = replace(drawing, measure=f"{YES_OR_NO[kind]}:{measured}")
    for name, role in ROLES[drawing.kind].items():
        if getattr(drawing, name) or (drawing.kind, name) == ("box", "x"):  # a box plot needs no groups
            continue
        taken = (drawing.x if name == "y" else drawing.y).partition(":")[0]
        free = [column for column in columns_for(model, user, role) if column.name != taken]
        best = (few_valued(model, free) if role == "group" else []) or free
        drawing = drawing.with_column(name, best[0].name if best else "")
    return drawing


def lacking(model: type[models.Model], kind: str, user: Viewer) -> str:
    """Return why a table cannot have a *kind* of chart, or "" if it can."""
    roles = [role for name, role in ROLES[kind].items() if (kind, name) != ("box", "x")]
    for role in {*roles}:
        needed, available = roles.count(role), len(list(columns_for(model, user, role)))
        if available < needed:
            columns = f"{'two columns' if needed > 1 else 'a column'} {HOLDING[role]}"
            return f"“{KINDS[kind]}” needs {columns}; this table has {available or 'none'}."
    return ""


def boxes(
    model: type[models.Model], drawing: Drawing, user: Viewer, filters: Mapping[str, str] | None = None
) -> Iterator[Box]:
    """Yield the fields of the form of *drawing*, whose records have *filters*."""
    lacks = {kind: lacking(model, kind, user) for kind in KINDS}
    yield _listed("kind", LABELS["kind"], drawing.kind, [("", list(KINDS.items()))], lacks)
    for name in USED[drawing.kind]:
        label = AXES.get(drawing.kind, {}).get(name, LABELS[name])
        value = getattr(drawing, name)
        if name == "bins":
            if _is_binned(model, drawing, user):
                yield Box(name, label, value=drawing.bins)
        elif name == "measure":
            yield _listed(name, label, value, _measures(model, drawing.kind, user))
        elif name == "sort":
            yield _listed(name, label, value, [("", _orders(model, drawing, user, filters or {}))])
        elif name == "weight":
            known = weights_of(model, user).values()
            options = [(weight.column, f"{title(title_of(model, column))} ({weight.unit})") for weight, column in known]
            if options:
                yield _listed(name, label, value, [("", [("", "No weights"), *options])])
        elif name == "scale":
            scales = SCALES_OF_POINTS if drawing.kind == "scatter" else SCALES
            yield _listed(name, label, value, [("", [("", "Linear"), *scales.items()])])
        elif name == "title":
            yield Box(name, label, value=value, most=LONGEST_TITLE)
        else:
            role = ROLES[drawing.kind].get(name, "group")
            columns = list(_columns(model, user, role, dates=drawing.kind != "scatter"))
            empty = [("", "No split")] if name == "colour" or (drawing.kind, name) == ("box", "x") else []
            yield _listed(name, label, value, [("", [*empty, *columns])])


def _is_binned(model: type[models.Model], drawing: Drawing, user: Viewer) -> bool:
    """Whether it groups records by a column of numbers without a fixed width of bins."""
    grouped = {drawing.x, drawing.colour, drawing.y if drawing.kind == "heat" else ""}
    return any(column.name in grouped and can_be_parted(column) for column in columns_for(model, user, "group"))


def _listed(
    name: str,
    label: str,
    value: str,
    groups: list[tuple[str, list[tuple[str, str]]]],
    lacks: Mapping[str, str] | None = None,
) -> Box:
    known = {option for _, options in groups for option, _ in options}
    if value not in known:
        groups = [*groups, ("", [(value, value)])]  # a value that only a URL can set: bins of a fixed width
    made = [
        (of, tuple(Option(option, text, option == value, (lacks or {}).get(option, "")) for option, text in options))
        for of, options in groups
    ]
    return Box(name, label, tuple(made))


def _columns(model: type[models.Model], user: Viewer, role: str, *, dates: bool) -> Iterator[tuple[str, str]]:
    for column in columns_for(model, user, role):
        called = title(title_of(model, column))
        if isinstance(column.field, models.DateField) and dates:
            yield column.name, f"{called}, by year or month"
            yield f"{column.name}:year", f"{called}, by year"
            yield f"{column.name}:month", f"{called}, by month"
        else:
            yield column.name, called


def _measures(model: type[models.Model], kind: str, user: Viewer) -> list[tuple[str, list[tuple[str, str]]]]:
    word = records_word(model)
    groups = [("", [("count", f"Number of {word}"), ("share", f"Share of {word}")])]
    if kind == "histogram":
        return groups
    of_yes = list(_yes_or_no(model, user))
    shares = [(f"share:{column.name}", f"Share with {title_of(model, column)}") for column in of_yes]
    counts = [(f"count:{column.name}", f"Number with {title_of(model, column)}") for column in of_yes]
    groups += [("Yes or no", [*shares, *counts])] if of_yes else []
    for measure in OF_COLUMNS:
        numbers = [column for column in columns_for(model, user, "measure") if can_measure(measure, column)]
        options = [
            (f"{measure}:{column.name}", f"{title(measure)}: {title_of(model, column)}")
            for column in numbers
            if column not in of_yes
        ]
        groups += [(title(measure), options)] if options else []
    return groups


def _yes_or_no(model: type[models.Model], user: Viewer) -> Iterator[ListedColumn]:
    for column in columns_for(model, user, "measure"):
        if isinstance(column.field, models.BooleanField):
            yield column


def _orders(
    model: type[models.Model], drawing: Drawing, user: Viewer, filters: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the sort orders to choose from; the first names the default."""
    column = next(
        (candidate for candidate in columns_for(model, user, "group") if candidate.name == drawing.x.partition(":")[0]),
        None,
    )
    counted = drawing.kind == "heat" or (drawing.kind == "bar" and drawing.measure in ("count", "share"))
    usual = "most frequent first" if counted else "highest first"
    usual = "natural order" if column and can_follow(column) else usual
    usual = "as in the filter" if column and f"{column.name}__in" in filters and not is_ordered(column) else usual
    numbers = [(column.name, f"by {title_of(model, column)}") for column in columns_for(model, user, "number")]
    return [
        ("", usual), ("-value", "highest first"), ("value", "lowest first"), ("name", "by name"), *numbers,
    ]  # fmt: skip
