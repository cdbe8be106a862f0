"""Hides docutils from the processes of the tests, as in production: Django imports it if it is installed."""

raise ImportError("Not installed in production.")
