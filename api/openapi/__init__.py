"""The API's OpenAPI schema, served at /api/schema/ and /api/docs/."""
