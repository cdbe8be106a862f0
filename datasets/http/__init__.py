"""Request bodies and error responses, for the middleware, the admin and the API."""
