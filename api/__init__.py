"""What programs read: every table and view as JSON, and imports over HTTP."""
