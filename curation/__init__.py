"""Curation: the admin, edits, record history and undo."""
