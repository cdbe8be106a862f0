"""The database that DATABASE_URL names, and how the site uses it."""

from django.core.exceptions import ImproperlyConfigured

from config.environment import BASE_DIR, VAR, env, number


def database(url: str) -> dict:
    """The database behind a URL: SQLite, embedded, or PostgreSQL, with a pool of connections in each process."""
    expected = (
        "Expected sqlite:///var/tabularium.sqlite3 or postgresql://USER:PASSWORD@HOST:5432/NAME, "
        "with @ : / ? # in a password written as %40 %3A %2F %3F %23"
    )
    scheme = url.partition("://")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise ImproperlyConfigured(f"DATABASE_URL begins with {scheme[:20]!r}. {expected}.")
    try:
        settings = env.db_url_config(url)
        settings["OPTIONS"] = dict(settings.get("OPTIONS", {}))
    except (ValueError, AttributeError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {expected}.") from error

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
            # WAL lets readers go on while one process writes; IMMEDIATE makes a second writer wait for its turn
            # (timeout, seconds) where a transaction that began as a reader would fail at once.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
        return settings

    if not settings["NAME"]:
        raise ImproperlyConfigured(f"DATABASE_URL names no database. {expected}.")
    settings["CONN_HEALTH_CHECKS"] = True  # a connection that died in the pool is replaced, not handed out
    if max_size := number("DATABASE_POOL_MAX_SIZE", default=8):
        from config.pooling import PooledConnection  # which brings psycopg along

        settings["OPTIONS"]["pool"] = {
            "min_size": min(number("DATABASE_POOL_MIN_SIZE", default=1), max_size),
            "max_size": max_size,
            "timeout": number("DATABASE_POOL_TIMEOUT", default=10),
            "connection_class": PooledConnection,
        }
    return settings
