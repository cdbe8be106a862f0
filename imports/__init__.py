"""Import files into tables: sources, validation, runs and their reports."""
