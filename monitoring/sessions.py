"""Database sessions that ignore cookies which cannot be a session key."""

from django.contrib.sessions.backends import db

LONGEST = 40  # max_length of the column


class SessionStore(db.SessionStore):
    """Django's database sessions, with stricter validation of the key before any query."""

    def _validate_session_key(self, key: str | None) -> bool:
        return super()._validate_session_key(key) and key.isascii() and key.isalnum() and len(key) <= LONGEST
