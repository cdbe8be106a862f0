"""Records as files: formats, columns, and how rows are streamed."""
