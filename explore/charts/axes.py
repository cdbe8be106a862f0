"""The axes of a chart: the columns that fit, and how records are grouped along them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from math import log10, ulp
from typing import Any

from django.db import models
from django.db.models import Max, Min

from datasets.models import Record, Vocabulary
from datasets.records.aggregation import can_be_parted, can_measure, groupings
from datasets.records.analytical_copy import copy_executor
from datasets.records.chart_kinds import makes_groups
from datasets.records.columns import ListedColumn, columns_of
from datasets.records.filter_widgets import order_of, title_of
from datasets.records.grouping import AggregationError, Grouping
from datasets.records.masking import Viewer
from datasets.records.ordering import is_quick
from explore.charts.chart_spec import ChartError
from explore.charts.labels import format_group, unit_of, with_unit
from explore.charts.selection import Selection

MOST_GROUPS, MOST_COLOURS = 25, 7  # of a column without a natural order; the rest become "other"
COLOUR_BINS = 6
EXACT_PLACES, EXACT_GROUPS = 150, 30  # up to this many whole numbers are not put in bins
MONTHS_UP_TO = 3 * 366  # days; by default, dates over a longer range are grouped by year
PROVENANCE = {field.name for field in Record._meta.get_fields()}


@dataclass(frozen=True)
class Axis:
    """A column that groups records; *most* limits its groups, and is None if they have a natural order."""

    name: str
    title: str
    grouping: Grouping
    most: int | None
    extent: tuple[Any, Any] = (None, None)
    chosen: tuple[str, ...] = ()  # the groups that a filter lists, in its order

    @property
    def column(self) -> ListedColumn:
        return self.grouping.column

    @property
    def ordered(self) -> bool:
        """Whether its groups have a natural order: numbers, dates, no and yes."""
        return self.most is None

    @cached_property
    def own_order(self) -> dict[Any, int] | None:
        """The position of each group of a vocabulary that is not ordered by name, else None."""
        if not is_ordered_vocabulary(self.column):
            return None
        model, name = self.column.field.model, self.column.field.name
        names = model._default_manager.order_by(*order_of(model)).values_list(name, flat=True)
        return {name: place for place, name in enumerate(names)}

    @property
    def of_dates(self) -> bool:
        return isinstance(self.column.field, models.DateField)

    @property
    def of_numbers(self) -> bool:
        return can_be_parted(self.column)

    def label(self, value: Any) -> str:
        """Return the label of a group."""
        return format_group(self.grouping, value)


def columns_for(model: type[models.Model], user: Viewer, role: str) -> Iterator[ListedColumn]:
    """Yield the columns that fit a *role*: ``group``, ``number``, ``place`` or ``measure``.

    A group is any column except keys and other unique ones. A place, on a continuous axis, is a number or a date.
    """
    for column in columns_of(model):
        if column.permission and not user.has_perm(column.permission):
            continue
        grouped, number = makes_groups(model, column), can_be_parted(column)
        if role in ("number", "measure"):
            amount = number and grouped and column.path.split("__")[0] not in PROVENANCE
            if amount or (role == "measure" and can_measure("mean", column)):
                yield column
        elif grouped and (role == "group" or number or isinstance(column.field, models.DateField)):
            yield column


def axis(selection: Selection, role: str, text: str, bins: int, *, continuous: bool) -> Axis:
    """Return the axis for the column *text* in a drawing's *role*; raises ChartError.

    A *continuous* axis has room for many numbers; any other axis has a label for each of them.
    """
    model, records, user = selection.model, selection.records, selection.user
    _, colon, _ = text.partition(":")
    try:
        grouping = groupings(model, [text], user)[0]
    except AggregationError as error:
        raise ChartError(role, str(error)) from None
    column, extent = grouping.column, (None, None)
    label = title_of(model, column)
    if isinstance(column.field, models.DateField):
        if not colon:
            least, most = extent_of(records, column)
            part = "month" if least and (most - least).days <= MONTHS_UP_TO else "year"
            grouping = groupings(model, [f"{text}:{part}"], user)[0]
        label = f"{grouping.part} of {label.removeprefix('date of ')}"
    elif can_be_parted(column):
        label = with_unit(label, unit_of(column))
        extent = extent_of(records, column)
        if grouping.width is None:
            bins = min(bins, COLOUR_BINS) if role == "colour" else bins
            up_to = COLOUR_BINS if role == "colour" else EXACT_PLACES if continuous else EXACT_GROUPS
            grouping = _in_bins(grouping, extent, bins, up_to)
    ordered = grouping.part or grouping.width is not None or isinstance(column.field, models.BooleanField)
    most = MOST_COLOURS if role == "colour" else MOST_GROUPS
    chosen = () if ordered else selection.chosen(column.name)
    return Axis(text, label, grouping, None if ordered else most, extent, chosen)


def can_follow(column: ListedColumn) -> bool:
    """Whether the groups of *column* have a natural order."""
    return is_ordered(column) or is_ordered_vocabulary(column)


def is_ordered(column: ListedColumn) -> bool:
    """Whether *column* has dates, numbers, or no and yes."""
    return isinstance(column.field, models.DateField | models.BooleanField) or can_be_parted(column)


def is_ordered_vocabulary(column: ListedColumn) -> bool:
    """Whether *column* is a vocabulary that is not ordered by name, such as education levels, ordered by years."""
    field = column.field
    return issubclass(field.model, Vocabulary) and field.name == "name" and order_of(field.model)[0] != field.name


def exact(column_axis: Axis) -> bool:
    """Whether an axis has a group for each whole number."""
    return column_axis.grouping.width == 1 and not isinstance(column_axis.column.field, models.FloatField)


def histogram_axis(raw: Axis, bins: int) -> Axis:
    """Return *raw* with its numbers in about *bins* bins, even if there are few distinct numbers."""
    return replace(raw, grouping=_in_bins(raw.grouping, raw.extent, bins, bins))


def nice_width(least: float, most: float, bins: int, *, whole: bool) -> Decimal:
    """Return the smallest 1, 2 or 5 times a power of ten with which *bins* bins cover *least* to *most*."""
    if whole:
        reach = (most - least + 1) / bins
    else:  # a float cannot distinguish the ends of a bin narrower than its last digit
        finest = ulp(max(abs(least), abs(most)))
        reach = max(most / bins - least / bins, finest if finest > 1 else 0)
    if reach <= 0:
        return Decimal(1)
    power = int(log10(reach)) - 2
    while True:
        for digit in (1, 2, 5):
            width = Decimal(digit).scaleb(power)
            if width >= Decimal(reach) * Decimal("0.999999") and (not whole or width >= 1):
                return width
        power += 1


def _in_bins(grouping: Grouping, extent: tuple[Any, Any], bins: int, exact_up_to: int) -> Grouping:
    least, most = extent
    if least is None:
        return replace(grouping, width=Decimal(1))
    whole = not isinstance(grouping.column.field, models.FloatField)
    if whole and most - least < exact_up_to:
        return replace(grouping, width=Decimal(1))
    return replace(grouping, width=nice_width(least, most, bins, whole=whole))


def extent_of(records: models.QuerySet, column: ListedColumn) -> tuple[Any, Any]:
    """Return the minimum and the maximum of *column*, or None twice without a value."""
    copy = copy_executor()
    if copy and (ends := copy.extent(records, column)):
        return ends
    least, most = {"least": Min(column.path)}, {"most": Max(column.path)}
    if is_quick(records.model, column.path) and not records.query.where:  # SQLite finds one end at a time in an index
        bounds = records.order_by().aggregate(**least) | records.order_by().aggregate(**most)
    else:
        bounds = records.order_by().aggregate(**least, **most)
    return bounds["least"], bounds["most"]
