"""Questions about records as Ibis expressions, which DuckDB and Spark execute alike."""
