"""The admin for records, vocabularies, summary tables, imports, edits and tokens."""

from curation.admin import account_admin, comments, edit_admin, run_admin, token_admin  # noqa: F401 - these modules register admins
from curation.admin.record_admin import MaterializedViewAdmin, RecordAdmin, VocabularyAdmin

__all__ = ["MaterializedViewAdmin", "RecordAdmin", "VocabularyAdmin"]
