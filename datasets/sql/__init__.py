"""SQL that differs between PostgreSQL and SQLite."""
