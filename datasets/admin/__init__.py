"""How curators see records, vocabularies, views and imports."""

from datasets.admin import edits, runs, tokens  # noqa: F401 - register what is known of imports, edits, tokens
from datasets.admin.records import LookupAdmin, MaterializedViewAdmin, RecordAdmin

__all__ = ["LookupAdmin", "MaterializedViewAdmin", "RecordAdmin"]
