"""Record history: edits, corrections, tombstones and undo."""
