"""How curators work on records: the admin, edits, history and undo."""
