"""How curators see records, vocabularies, views and imports."""

from datasets.admin import edits, runs  # noqa: F401 - register what is known of imports and of edits
from datasets.admin.records import LookupAdmin, MaterializedViewAdmin, RecordAdmin

__all__ = ["LookupAdmin", "MaterializedViewAdmin", "RecordAdmin"]
