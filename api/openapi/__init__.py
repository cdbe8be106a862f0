"""The description of the API: /api/schema/ and /api/docs/."""
