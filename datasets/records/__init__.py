"""Queries for records: columns, filters, search, sorting, pagination and aggregation."""
