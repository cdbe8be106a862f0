"""Database sessions that ignore cookies which cannot be a session key."""

import re

from django.contrib.sessions.backends import db

KEY = re.compile("[0-9A-Za-z]{8,40}")  # Django's minimum, and max_length of the column


class SessionStore(db.SessionStore):
    """Django's database sessions, with stricter validation of the key before any query."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and KEY.fullmatch(key) is not None
