"""Keeps requests out of processes of the tests, as in production: DRF imports it wherever it is installed."""

raise ImportError("Not installed in production.")
