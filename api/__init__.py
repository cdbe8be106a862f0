"""The REST API: records of every table and view, summaries, and imports."""
