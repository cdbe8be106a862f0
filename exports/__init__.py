"""Exports of records to files: formats, columns and streaming."""
