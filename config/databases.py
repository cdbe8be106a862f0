"""Django's database settings, from DATABASE_URL."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env import BASE_DIR, VAR, env, number


def database(url: str) -> dict[str, Any]:
    """Return the settings for a URL: embedded SQLite, or PostgreSQL with a connection pool in each process.

    Raises ImproperlyConfigured for a URL that cannot be used.
    """
    expected = (
        "Expected sqlite:///var/tabularium.sqlite3 or postgresql://USER:PASSWORD@HOST:5432/NAME, "
        "with @ : / ? # in a password written as %40 %3A %2F %3F %23"
    )
    scheme = url.partition("://")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise ImproperlyConfigured(f"DATABASE_URL has the unknown scheme {scheme[:20]!r}. {expected}.")
    try:
        settings: dict[str, Any] = env.db_url_config(url)
        settings["OPTIONS"] = dict(settings.get("OPTIONS", {}))
    except (ValueError, AttributeError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be parsed. {expected}.") from error

    if scheme == "sqlite":
        if settings["NAME"] != ":memory:":
            path = BASE_DIR / settings["NAME"]
            if path.parent == VAR:
                VAR.mkdir(exist_ok=True)
            if not path.parent.is_dir():
                raise ImproperlyConfigured(
                    f"DATABASE_URL names {path}, but that folder does not exist. Type: mkdir -p {path.parent}"
                )
            settings["NAME"] = str(path)
        settings["OPTIONS"] |= {
            # With WAL, readers do not wait for a writer. With IMMEDIATE, a second writer waits (timeout, in seconds);
            # a deferred transaction that started with a read would fail at once.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
        return settings

    if not settings["NAME"]:
        raise ImproperlyConfigured(f"DATABASE_URL has no database name. {expected}.")
    settings["CONN_HEALTH_CHECKS"] = True  # the pool replaces broken connections
    if max_size := number("DATABASE_POOL_MAX_SIZE", default=8):
        from config.db_pool import PooledConnection  # noqa: PLC0415 - imports psycopg, which SQLite does not need

        settings["OPTIONS"]["pool"] = {
            "min_size": min(number("DATABASE_POOL_MIN_SIZE", default=1), max_size),
            "max_size": max_size,
            "timeout": number("DATABASE_POOL_TIMEOUT", default=10),
            "connection_class": PooledConnection,
        }
    return settings
