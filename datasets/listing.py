"""A model's declaration for lists, search, masking, charts and the API: ``listing = Listing(...)``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import models

CHART_KINDS = ("bar", "line", "histogram")
MEASURES = {
    "count": False,
    "share": False,
    "mean": True,
    "median": True,
    "sum": True,
}  # whether each needs a column; with a boolean column, count and share are those of yes


@dataclass(frozen=True)
class Chart:
    """The first chart of a table, in the parameters of a chart's URL: ``Chart(x="education", measure="mean:age")``.

    *x* and *colour* are columns of the list. *measure* is ``count``, ``share``, the ``mean``, ``median`` or ``sum`` of
    a column, or the ``count`` or ``share`` of yes in a boolean column. *sort* is ``value``, ``name`` or a column by
    whose minimum the bars are sorted. ``-`` reverses the order.
    """

    x: str
    kind: str = "bar"
    colour: str = ""
    measure: str = "count"
    sort: str = ""


@dataclass(frozen=True)
class Weight:
    """A column by which charts may weigh records: ``Weight("fnlwgt", "people", per=100)``.

    The sum of the weights, divided by *per*, is a number of *unit*. Weights are 0 or more.
    """

    column: str
    unit: str
    per: int = 1


@dataclass(frozen=True)
class Listing:
    """A table's options for the admin, the API, Explore and exports. ``datasets.checks`` validates them.

    * ``search``: paths of text fields for prefix search; ``__exact`` compares the whole value.
    * ``label``: the field that names a record; by default ``name`` if it exists, or else the primary key.
    * ``joined``: columns of related records, ``{"education_years": "education__years"}``.
    * ``lists``: text fields such as ``2;3`` that the API serves as lists of integers.
    * ``personal``: fields of personal data, each with the permission to see it, ``{"email":
      "experiments.view_email"}``. Other users see masked values.
    * ``chart``: the first chart in Explore and on the dashboard.
    * ``weights``: the columns by which charts may weigh records, ``[Weight("fnlwgt", "people", per=100)]``.
    * ``api``: the table's name in ``/api/<dataset>/<name>/``; by default ``db_table`` with dashes. If it is False, the
      API does not serve the table.
    """

    search: Sequence[str] = ()
    label: str | None = None
    joined: Mapping[str, str] = field(default_factory=dict)
    lists: Sequence[str] = ()
    personal: Mapping[str, str] = field(default_factory=dict)
    chart: Chart | None = None
    weights: Sequence[Weight] = ()
    api: str | bool = True


def listing_of(model: type[models.Model]) -> Listing:
    """Return the Listing of *model*, or the default one if it declares none."""
    return getattr(model, "listing", _EMPTY)


def label_field(model: type[models.Model]) -> str:
    """Return the name of the field that names a record of *model*."""
    names = {field.name for field in model._meta.concrete_fields}
    return listing_of(model).label or ("name" if "name" in names else model._meta.pk.name)


def description_of(model: type[models.Model]) -> str:
    """Return the description of *model*'s table: the docstring of the class, or "" if it has none."""
    text = " ".join((model.__doc__ or "").split())
    return "" if text.startswith(f"{model.__name__}(") else text  # Django's default docstring


def api_name(model: type[models.Model]) -> str | None:
    """Return *model*'s name in the API's URLs, or None if the API does not serve it."""
    declared = listing_of(model).api
    return model._meta.db_table.replace("_", "-") if declared is True else declared or None


def chart_of(model: type[models.Model]) -> Chart:
    """Return the first chart of *model*.

    By default, this is its first numeric column by primary key, in descending order.
    """
    if chart := listing_of(model).chart:
        return chart
    key = model._meta.pk
    for number in model._meta.concrete_fields:
        if isinstance(number, models.IntegerField | models.FloatField) and number is not key:
            measure = "mean" if isinstance(number, models.FloatField) else "sum"
            return Chart(x=key.name, measure=f"{measure}:{number.name}", sort="-value")
    return Chart(x=key.name)


_EMPTY = Listing()
