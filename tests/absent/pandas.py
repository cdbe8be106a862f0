"""Hides pandas from the processes of the tests, as in production: pyarrow imports it if it is installed."""

raise ImportError("Not installed in production.")
