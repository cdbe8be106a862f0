"""How curators see records, vocabularies, views and imports."""

from datasets.admin import runs  # noqa: F401 - registers what is known of imports
from datasets.admin.records import LookupAdmin, MaterializedViewAdmin, RecordAdmin

__all__ = ["LookupAdmin", "MaterializedViewAdmin", "RecordAdmin"]
