"""The REST API for the records of every table and view, summaries, and imports."""
