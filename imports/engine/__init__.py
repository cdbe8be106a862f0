"""The steps of an import, from an open file to the merged tables."""
