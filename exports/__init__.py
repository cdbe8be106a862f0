"""Export records to files: formats, columns and streaming."""
