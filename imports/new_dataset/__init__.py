"""Examine whole files, and write a dataset app that imports them: ``manage.py startdataset``."""
