"""Keeps pandas out of processes of the tests, as in production: pyarrow imports it wherever it is installed."""

raise ImportError("Not installed in production.")
