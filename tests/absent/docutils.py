"""Keeps docutils out of processes of the tests, as in production: Django imports it wherever it is installed."""

raise ImportError("Not installed in production.")
