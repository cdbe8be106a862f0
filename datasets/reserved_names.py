"""Names that a field or a column of a dataset cannot have, with the reason: other parts of the site use them."""

import keyword
from functools import cache

from django.db import models

from datasets.listing import Listing
from datasets.models import ContentRecord, MaterializedView, Record, Vocabulary
from datasets.records.columns import PROVENANCE
from datasets.records.masking import MASK_MARK
from datasets.records.parameter_names import PARAMETERS

LISTED = {*(f"{name}_{part}" for name in PROVENANCE for part in ("run", "file")), MASK_MARK, "cells_defused"}


def reserved(name: str) -> str:
    """Return why *name* cannot be the name of a field, or an empty string if it can."""
    if not (name.isascii() and name.isidentifier()) or name != name.lower():
        return "expected lower-case letters, digits and underscores, beginning with a letter"
    if name.startswith("_") or name.endswith("_") or "__" in name:
        return "a name cannot begin or end with an underscore, or contain two in a row"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name in PARAMETERS:
        return "it is a parameter of lists in the API, Explore or the admin"
    if name in LISTED:
        return "it is a column of exports"
    if name in _attributes():
        return "it is an attribute of all records"
    return ""


@cache
def _attributes() -> frozenset[str]:
    """Return the attributes of models, and the fields of records."""
    bases: tuple[type[models.Model], ...] = (Record, ContentRecord, Vocabulary, MaterializedView)
    fields = {name for base in (Record, ContentRecord) for f in base._meta.fields for name in (f.name, f.attname)}
    named = {name for base in bases for name in dir(base)} | {"objects", "pk", "listing", "meta"}
    return frozenset((fields | named) - {"id", "name"})


def clashing(model: type[models.Model]) -> dict[str, str]:
    """Return the reserved names among the fields and joined columns of a dataset's *model*, each with the reason."""
    provided = {field.name for base in (Record, ContentRecord, Vocabulary) for field in base._meta.fields}
    own = [field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)]
    listing = getattr(model, "listing", None)
    joined = list(listing.joined) if isinstance(listing, Listing) and isinstance(listing.joined, dict) else []
    names = [name for name in own if name not in provided] + joined
    return {name: reason for name in names if (reason := reserved(name))}
