"""What there is to choose on the Chart tab: of each kind, only what makes sense for the table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import models

from datasets.narrowing import title_of
from datasets.summaries import can_measure
from explore.charts.axes import columns_for
from explore.charts.drawing import FEWEST_BINS, KINDS, MOST_BINS, Drawing
from explore.charts.measures import records_word
from explore.charts.names import title

USED = {
    "bar": ("x", "colour", "measure", "bins", "sort"),
    "line": ("x", "colour", "measure", "bins"),
    "histogram": ("x", "colour", "measure", "bins"),
    "box": ("x", "y", "colour", "bins", "sort"),
    "heat": ("x", "y", "measure", "bins", "sort"),
    "scatter": ("x", "y", "colour"),
}
# What each axis holds: groups, places along it (numbers and dates), or numbers.
ROLES = {
    "bar": {"x": "group"},
    "line": {"x": "place"},
    "histogram": {"x": "number"},
    "box": {"x": "group", "y": "number"},
    "heat": {"x": "group", "y": "group"},
    "scatter": {"x": "number", "y": "number"},
}
LABELS = {
    "kind": "Kind",
    "x": "Across",
    "y": "Up",
    "colour": "Split by colour",
    "measure": "Measure",
    "bins": "Bins, about",
    "sort": "Order",
}
AXES = {
    "bar": {"x": "Groups"},
    "line": {"x": "Along"},
    "histogram": {"x": "Numbers"},
    "box": {"x": "Groups", "y": "Numbers"},
}
OF_COLUMNS = ("mean", "median", "sum")


@dataclass(frozen=True)
class Option:
    """A choice of a box."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Box:
    """A box of the form: a list to choose from, in groups that may have a name, or a number between two others."""

    name: str
    label: str
    groups: tuple[tuple[str, tuple[Option, ...]], ...] = ()
    value: int = 0
    least: int = FEWEST_BINS
    most: int = MOST_BINS


def fitted(model: type[models.Model], drawing: Drawing, user) -> Drawing:
    """Return *drawing* without what its kind has no use for, and with the first column where its kind needs one.

    So that who chooses another kind sees a chart, whatever had been chosen for the last one.
    """
    used = USED[drawing.kind]
    plain = Drawing()
    drawing = replace(drawing, **{name: getattr(plain, name) for name in LABELS if name not in ("kind", *used)})
    if drawing.kind == "histogram" and drawing.measure not in ("count", "share"):
        drawing = replace(drawing, measure="count")
    known = {column.name for role in ("group", "place", "number") for column in columns_for(model, user, role)}
    for name, role in ROLES[drawing.kind].items():
        fits = [column.name for column in columns_for(model, user, role)]
        column = getattr(drawing, name).partition(":")[0]
        if column in fits or (column and column not in known):
            continue  # what there is not is told
        if not column and drawing.kind == "box" and name == "x":
            continue  # a box of all
        taken = (drawing.x if name == "y" else drawing.y).partition(":")[0]
        free = [one for one in fits if one != taken]
        drawing = replace(drawing, **{name: free[0] if free else ""})
    return drawing


def boxes(model: type[models.Model], drawing: Drawing, user) -> Iterator[Box]:
    """Yield the boxes of a drawing's form."""
    yield _listed("kind", LABELS["kind"], drawing.kind, [("", list(KINDS.items()))])
    for name in USED[drawing.kind]:
        label = AXES.get(drawing.kind, {}).get(name, LABELS[name])
        value = getattr(drawing, name)
        if name == "bins":
            yield Box(name, label, value=drawing.bins)
        elif name == "measure":
            yield _listed(name, label, value, _measures(model, drawing.kind, user))
        elif name == "sort":
            yield _listed(name, label, value, [("", _orders(model, user))])
        else:
            role = ROLES[drawing.kind].get(name, "group")
            columns = list(_columns(model, user, role, dates=drawing.kind != "scatter"))
            empty = [("", "all together")] if name == "colour" or (drawing.kind, name) == ("box", "x") else []
            yield _listed(name, label, value, [("", [*empty, *columns])])


def _listed(name: str, label: str, value: str, groups: list[tuple[str, list[tuple[str, str]]]]) -> Box:
    known = {option for _, options in groups for option, _ in options}
    if value not in known:
        groups = [*groups, ("", [(value, value)])]  # what an address may ask for beside: bins of a width
    made = [(of, tuple(Option(option, said, option == value) for option, said in options)) for of, options in groups]
    return Box(name, label, tuple(made))


def _columns(model: type[models.Model], user, role: str, dates: bool) -> Iterator[tuple[str, str]]:
    for column in columns_for(model, user, role):
        called = title(title_of(model, column))
        if isinstance(column.field, models.DateField) and dates:
            yield column.name, f"{called}, by year or month"
            yield f"{column.name}:year", f"{called}, by year"
            yield f"{column.name}:month", f"{called}, by month"
        else:
            yield column.name, called


def _measures(model: type[models.Model], kind: str, user) -> list[tuple[str, list[tuple[str, str]]]]:
    word = records_word(model)
    groups = [("", [("count", f"Number of {word}"), ("share", f"Share of {word}")])]
    if kind == "histogram":
        return groups
    for one in OF_COLUMNS:
        columns = [column for column in columns_for(model, user, "measure") if can_measure(one, column)]
        found = [(f"{one}:{column.name}", f"{title(one)}: {title_of(model, column)}") for column in columns]
        groups += [(title(one), found)] if found else []
    return groups


def _orders(model: type[models.Model], user) -> list[tuple[str, str]]:
    numbers = [(column.name, f"by {title_of(model, column)}") for column in columns_for(model, user, "number")]
    return [
        ("", "as usual"), ("-value", "highest first"), ("value", "lowest first"), ("name", "by name"), *numbers,
    ]  # fmt: skip
