"""SQL for both engines: the differences between PostgreSQL and SQLite."""
