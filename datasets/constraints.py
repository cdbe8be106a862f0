"""Constraints that declare a rule once for the database, forms and imports."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models


class FieldCheck(models.CheckConstraint):
    """A rule for one field, declared among a model's constraints.

    On a concrete model, it becomes a CheckConstraint named after the table, and adds *validators* to the field.
    """

    def __init__(self, *, field: str, rule: str, condition: models.Q, validators: Sequence[BaseValidator] = ()):
        super().__init__(condition=condition, name=f"{field}_{rule}")
        self.field, self.validators = field, validators

    def clone(self) -> "FieldCheck":
        return copy(self)


def bounded(field: str, least: int, most: int | None = None) -> FieldCheck:
    """Return the constraint that *field* is at least *least* and, if given, at most *most*."""
    bounds = {f"{field}__gte": least}
    validators: list[BaseValidator] = [MinValueValidator(least)]
    if most is not None:
        bounds[f"{field}__lte"] = most
        validators.append(MaxValueValidator(most))
    rule = f"{least}_to_{most}" if most is not None else f"at_least_{least}" if least else "not_negative"
    return FieldCheck(field=field, rule=rule, condition=models.Q(**bounds), validators=validators)


def not_empty(field: str) -> FieldCheck:
    """Return the constraint that the text *field* is not an empty string. Only NULL represents a missing value."""
    return FieldCheck(field=field, rule="not_empty", condition=~models.Q(**{field: ""}))


def one_of(field: str, choices: type[models.Choices]) -> FieldCheck:
    """Return the constraint that *field* is one of *choices*."""
    return FieldCheck(field=field, rule="known", condition=models.Q(**{f"{field}__in": choices.values}))


def identity_is_unique(table: str) -> models.UniqueConstraint:
    """Return the unique constraint on a ContentRecord's identity.

    It uses an expression, so that Django creates a separate unique index on SQLite too. The first import of a large
    file can then create the index after it has inserted the rows.
    """
    return models.UniqueConstraint(models.F("identity"), name=f"{table}_identity_unique")


def _apply(sender: type[models.Model], **kwargs: Any) -> None:
    """Convert the FieldChecks of a new model to constraints on its table and validators on its fields."""
    options = sender._meta
    for check in options.constraints:
        if isinstance(check, FieldCheck):
            field = vars(options.get_field(check.field))
            field["_validators"].extend(check.validators)
            field.pop("validators", None)
    options.constraints = [
        models.CheckConstraint(condition=constraint.condition, name=f"{options.db_table}_{constraint.name}")
        if isinstance(constraint, FieldCheck)
        else constraint
        for constraint in options.constraints
    ]


models.signals.class_prepared.connect(_apply)
