"""What there is to choose on the Chart tab: of each kind, only what makes sense for the table."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from django.db import models

from datasets.records.aggregation import can_be_parted, can_measure
from datasets.records.filter_widgets import title_of
from explore.charts.axes import can_follow, columns_for
from explore.charts.chart_spec import FEWEST_BINS, KINDS, MOST_BINS, USED, Drawing
from explore.charts.labels import title
from explore.charts.low_cardinality import few_valued
from explore.charts.measures import records_word

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
HOLDING = {"group": "to group by", "place": "of dates or numbers", "number": "of numbers"}


@dataclass(frozen=True)
class Option:
    """A choice of a box."""

    value: str
    label: str
    chosen: bool
    disabled: bool = False


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
    """Return *drawing* without what its kind has no use for, and *filled*.

    So that who chooses another kind sees a chart, whatever had been chosen for the last one.
    """
    plain = Drawing()
    drawing = replace(drawing, **{name: getattr(plain, name) for name in drawing.unused})
    if drawing.kind == "histogram" and drawing.measure not in ("count", "share"):
        drawing = replace(drawing, measure="count")
    known = {column.name for role in ("group", "place", "number") for column in columns_for(model, user, role)}
    for name, role in ROLES[drawing.kind].items():
        fits = [column.name for column in columns_for(model, user, role)]
        column = getattr(drawing, name).partition(":")[0]
        if column not in fits and column in known:  # what there is not is told
            drawing = replace(drawing, **{name: ""})
    return filled(model, drawing, user)


def filled(model: type[models.Model], drawing: Drawing, user) -> Drawing:
    """Return *drawing* with a column wherever its kind needs one and none is chosen: rather one of few groups."""
    for name, role in ROLES[drawing.kind].items():
        if getattr(drawing, name) or (drawing.kind, name) == ("box", "x"):  # a box may be of all
            continue
        taken = (drawing.x if name == "y" else drawing.y).partition(":")[0]
        free = [one for one in columns_for(model, user, role) if one.name != taken]
        best = (few_valued(model, free) if role == "group" else []) or free
        drawing = replace(drawing, **{name: best[0].name if best else ""})
    return drawing


def lacking(model: type[models.Model], kind: str, user) -> str:
    """Return what a table lacks for a *kind* of drawing; nothing where it can be drawn."""
    roles = [role for name, role in ROLES[kind].items() if (kind, name) != ("box", "x")]
    for role in {*roles}:
        needed, found = roles.count(role), len(list(columns_for(model, user, role)))
        if found < needed:
            columns = f"{'two columns' if needed > 1 else 'a column'} {HOLDING[role]}"
            return f"The kind “{KINDS[kind]}” needs {columns}, and this table has {found or 'none'}."
    return ""


def boxes(model: type[models.Model], drawing: Drawing, user) -> Iterator[Box]:
    """Yield the boxes of a drawing's form."""
    cannot = {kind for kind in KINDS if lacking(model, kind, user)}
    yield _listed("kind", LABELS["kind"], drawing.kind, [("", list(KINDS.items()))], cannot)
    for name in USED[drawing.kind]:
        label = AXES.get(drawing.kind, {}).get(name, LABELS[name])
        value = getattr(drawing, name)
        if name == "bins":
            if _is_binned(model, drawing, user):
                yield Box(name, label, value=drawing.bins)
        elif name == "measure":
            yield _listed(name, label, value, _measures(model, drawing.kind, user))
        elif name == "sort":
            yield _listed(name, label, value, [("", _orders(model, drawing, user))])
        else:
            role = ROLES[drawing.kind].get(name, "group")
            columns = list(_columns(model, user, role, dates=drawing.kind != "scatter"))
            empty = [("", "all together")] if name == "colour" or (drawing.kind, name) == ("box", "x") else []
            yield _listed(name, label, value, [("", [*empty, *columns])])


def _is_binned(model: type[models.Model], drawing: Drawing, user) -> bool:
    """Whether there are numbers among its groups; where their bins have a width, how many there are follows."""
    grouped = {drawing.x, drawing.colour, drawing.y if drawing.kind == "heat" else ""}
    return any(column.name in grouped and can_be_parted(column) for column in columns_for(model, user, "group"))


def _listed(
    name: str, label: str, value: str, groups: list[tuple[str, list[tuple[str, str]]]], cannot: Collection[str] = ()
) -> Box:
    known = {option for _, options in groups for option, _ in options}
    if value not in known:
        groups = [*groups, ("", [(value, value)])]  # what an address may ask for beside: bins of a width
    made = [
        (of, tuple(Option(option, said, option == value, option in cannot) for option, said in options))
        for of, options in groups
    ]
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


def _orders(model: type[models.Model], drawing: Drawing, user) -> list[tuple[str, str]]:
    """Return the orders to choose from; what comes without a choice says what it is."""
    column = next((one for one in columns_for(model, user, "group") if one.name == drawing.x.partition(":")[0]), None)
    counted = drawing.kind == "heat" or (drawing.kind == "bar" and drawing.measure in ("count", "share"))
    usual = "most records first" if counted else "highest first"
    usual = "in their own order" if column and can_follow(column) else usual
    numbers = [(column.name, f"by {title_of(model, column)}") for column in columns_for(model, user, "number")]
    return [
        ("", usual), ("-value", "highest first"), ("value", "lowest first"), ("name", "by name"), *numbers,
    ]  # fmt: skip
