"""How curators see records, vocabularies, views and imports."""

from curation.admin import edit_admin, run_admin, token_admin  # noqa: F401 - register what is known of imports, edits, tokens
from curation.admin.record_admin import LookupAdmin, MaterializedViewAdmin, RecordAdmin

__all__ = ["LookupAdmin", "MaterializedViewAdmin", "RecordAdmin"]
