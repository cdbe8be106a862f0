"""Gunicorn's worker of this site: slow clients, large bodies and health."""
