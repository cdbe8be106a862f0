"""Database sessions that ignore cookies which cannot be a session key."""

import re

from django.contrib.sessions.backends import db

from datasets.read_only import is_read_only

KEY = re.compile("[0-9A-Za-z]{8,40}")  # Django's minimum, and max_length of the column


class SessionStore(db.SessionStore):
    """Django's database sessions, with stricter validation of the key before any query.

    In a request that can only read, the session does not change and its cookie stays as it is.
    """

    _has_changed = False

    @property
    def modified(self) -> bool:
        """Whether the session has to be saved."""
        return self._has_changed and not is_read_only()

    @modified.setter
    def modified(self, value: bool) -> None:
        self._has_changed = value

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - as Django declares it
        if not is_read_only():
            super().save(must_create)

    def delete(self, session_key: str | None = None) -> None:
        if not is_read_only():
            super().delete(session_key)

    def is_empty(self) -> bool:
        return super().is_empty() and not is_read_only()

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and KEY.fullmatch(key) is not None
