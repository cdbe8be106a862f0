"""Sessions in the database, whose keys are what Django makes; anything else in a cookie is no session."""

from django.contrib.sessions.backends import db

LONGEST = 40  # characters, which the column has


class SessionStore(db.SessionStore):
    """Django's own, that asks the database for no key that it cannot hold."""

    def _validate_session_key(self, key: str | None) -> bool:
        return super()._validate_session_key(key) and key.isascii() and key.isalnum() and len(key) <= LONGEST
