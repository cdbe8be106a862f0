"""How a table is listed, searched, masked, drawn and served: ``listing = Listing(...)`` on its model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import models

CHART_KINDS = ("bar", "line", "histogram")
MEASURES = {"count": False, "share": False, "mean": True, "median": True, "sum": True}  # whether it is of a column


@dataclass(frozen=True)
class Chart:
    """The first chart of a table, in the words of a chart's address: ``Chart(x="education", measure="mean:age")``.

    *x* and *colour* are columns of the list. *measure* is ``count``, ``share``, or ``mean``, ``median`` or ``sum`` of a
    column. *sort* is ``value``, ``name`` or a column by whose least value the bars are ordered; ``-`` reverses it.
    """

    x: str
    kind: str = "bar"
    colour: str = ""
    measure: str = "count"
    sort: str = ""


@dataclass(frozen=True)
class Listing:
    """What a table says of itself to the admin, the API, Explore and exports; ``datasets.checks`` finds its mistakes.

    * ``search``: paths of texts in which a search looks for the beginnings of words; ``__exact`` wants the whole value.
    * ``label``: the field that names a record; by default ``name``, or else the primary key.
    * ``joined``: columns of the records that it refers to, ``{"education_years": "education__years"}``.
    * ``lists``: texts such as ``2;3`` that programs read as lists of whole numbers.
    * ``personal``: fields of personal data, each with the permission that shows it,
      ``{"email": "experiments.view_email"}``. Everybody else sees a mask.
    * ``chart``: what Explore and the front page draw first.
    * ``api``: the table's name in ``/api/<dataset>/<name>/``; by default ``db_table`` with dashes. False: not served.
    """

    search: Sequence[str] = ()
    label: str | None = None
    joined: Mapping[str, str] = field(default_factory=dict)
    lists: Sequence[str] = ()
    personal: Mapping[str, str] = field(default_factory=dict)
    chart: Chart | None = None
    api: str | bool = True


def listing_of(model: type[models.Model]) -> Listing:
    """Return the declaration of *model*; an empty one where it has none."""
    return getattr(model, "listing", _EMPTY)


def label_field(model: type[models.Model]) -> str:
    """Return the name of the field that names a record of *model*."""
    names = {field.name for field in model._meta.concrete_fields}
    return listing_of(model).label or ("name" if "name" in names else model._meta.pk.name)


def api_name(model: type[models.Model]) -> str | None:
    """Return the last part of the address that serves *model*; None where it is not served."""
    declared = listing_of(model).api
    return model._meta.db_table.replace("_", "-") if declared is True else declared or None


def chart_of(model: type[models.Model]) -> Chart:
    """Return the first chart that *model* declares; else its first number by its primary key, the most first."""
    if chart := listing_of(model).chart:
        return chart
    key = model._meta.pk
    for number in model._meta.concrete_fields:
        if isinstance(number, models.IntegerField | models.FloatField) and number is not key:
            summed = "mean" if isinstance(number, models.FloatField) else "sum"
            return Chart(x=key.name, measure=f"{summed}:{number.name}", sort="-value")
    return Chart(x=key.name)


_EMPTY = Listing()
