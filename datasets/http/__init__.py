"""Requests and error responses: what middlewares, the admin and the API share."""
