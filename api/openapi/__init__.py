"""The API's OpenAPI description, served at /api/schema/ and /api/docs/."""
