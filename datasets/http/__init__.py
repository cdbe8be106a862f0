"""Request bodies and error responses, shared by the middleware, the admin and the API."""
