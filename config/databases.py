"""Django's database settings, from DATABASE_URL and DATABASE_REPLICA_URL."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env import BASE_DIR, VAR, env, flag, number
from config.limits import SEND_SECONDS
from datasets.read_only import REPLICA

WAIT = 2  # seconds to wait for a connection to a replica
# A host that vanishes closes no connection. With these seconds, both sides notice it: the server then releases locks
# of imports, and rolls back its transaction. A process that sends a download to a slow client may read no rows for
# SEND_SECONDS. The last two are in milliseconds.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
SERVER = {f"tcp_{name}": value for name, value in KEEPALIVES.items()} | {
    "tcp_user_timeout": 1000 * (SEND_SECONDS + 30),
    "client_connection_check_interval": 10_000,
}
LIVENESS = KEEPALIVES | {"options": " ".join(f"-c {name}={value}" for name, value in SERVER.items())}


def databases() -> dict[str, dict[str, Any]]:
    """Return the settings of all databases, from the environment. Raises ImproperlyConfigured."""
    settings = {"default": database(env.str("DATABASE_URL", default="") or "sqlite:///var/tabularium.sqlite3")}
    if url := env.str("DATABASE_REPLICA_URL", default="").strip():
        settings[REPLICA] = replica(url, settings["default"])
    return settings


def read_only_without_primary(settings: dict[str, dict[str, Any]]) -> bool:
    """Return whether the site remains readable without the primary. Raises ImproperlyConfigured without a replica."""
    is_on = flag("READ_ONLY_WITHOUT_PRIMARY", default=False)
    if is_on and REPLICA not in settings:
        raise ImproperlyConfigured(
            "READ_ONLY_WITHOUT_PRIMARY is on, which needs a read replica: set DATABASE_REPLICA_URL."
        )
    return is_on


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

    if settings["HOST"] and not settings["HOST"].startswith("/"):
        settings["OPTIONS"] = LIVENESS | settings["OPTIONS"]
    if not settings["NAME"]:
        raise ImproperlyConfigured(f"DATABASE_URL has no database name. {expected}.")
    return _pooled(settings, wait=number("DATABASE_POOL_TIMEOUT", default=10))


def replica(url: str, primary: dict[str, Any]) -> dict[str, Any]:
    """Return the settings for the read replicas of *primary*: a URL of libpq, which may name several hosts.

    Raises ImproperlyConfigured for a URL that cannot be used.
    """
    if primary["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            "DATABASE_REPLICA_URL needs PostgreSQL, but DATABASE_URL is SQLite: set DATABASE_URL to the PostgreSQL "
            "database that the replicas follow, or remove DATABASE_REPLICA_URL."
        )
    import psycopg  # noqa: PLC0415 - SQLite does not need it

    try:
        if not url.startswith(("postgresql://", "postgres://")):
            raise psycopg.ProgrammingError
        options = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ImproperlyConfigured(
            "DATABASE_REPLICA_URL cannot be parsed. Expected postgresql://USER:PASSWORD@HOST:5432,HOST:5432/NAME, "
            "with @ : / ? # in a password written as %40 %3A %2F %3F %23."
        ) from error
    fields = {"USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port", "NAME": "dbname"}
    settings = primary | {field: options.pop(name, None) or primary[field] for field, name in fields.items()}
    # A dead replica must delay only a few requests, and for a short time (seconds; milliseconds for the second one).
    settings["OPTIONS"] = {"connect_timeout": WAIT, "tcp_user_timeout": 1000 * WAIT} | options
    # One snapshot for all queries of a request; and no writes, even if a host is promoted.
    settings["OPTIONS"] |= {
        "isolation_level": psycopg.IsolationLevel.REPEATABLE_READ,
        "options": f"{options.get('options', '')} -c default_transaction_read_only=on".strip(),
    }
    settings["TEST"] = {"MIRROR": "default"}
    return _pooled(settings, wait=WAIT, connection_class="ReplicaConnection")


def _pooled(settings: dict[str, Any], wait: int, connection_class: str = "PooledConnection") -> dict[str, Any]:
    """Add a connection pool, in which a request waits at most *wait* seconds, unless the environment disables it."""
    settings["CONN_HEALTH_CHECKS"] = True  # the pool replaces broken connections
    if max_size := number("DATABASE_POOL_MAX_SIZE", default=8):
        from config import db_pool  # noqa: PLC0415 - imports psycopg, which SQLite does not need

        settings["OPTIONS"]["pool"] = {
            "min_size": min(number("DATABASE_POOL_MIN_SIZE", default=1), max_size),
            "max_size": max_size,
            "timeout": wait,
            "connection_class": getattr(db_pool, connection_class),
        }
    return settings
