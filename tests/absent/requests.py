"""Hides requests from the processes of the tests, as in production: DRF imports it if it is installed."""

raise ImportError("Not installed in production.")
