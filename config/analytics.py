"""The settings of the analytical copy, from the environment variables ANALYTICS_*."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.env import BASE_DIR, env, number

PACKAGES = ("duckdb", "fsspec", "ibis")
ENGINES = ("duckdb", "spark://", "sc://")


@dataclass(frozen=True)
class Analytics:
    """Where the copy is, and which engine reads it.

    *copy* is a folder or a URL for fsspec. *minutes* is the shortest time between two copies after edits. The files of
    an earlier version are kept for *grace_minutes*. *threads* and *memory* (in MB) limit DuckDB in each process.
    """

    copy: str
    engine: str = "duckdb"
    minutes: int = 10
    grace_minutes: int = 60
    threads: int = 2
    memory: int = 512
    executor: str = "analytics.executor.executor"  # loaded by datasets.records.analytical_copy


def analytics(public: Path) -> Analytics | None:
    """Return the settings of the analytical copy, or None without ANALYTICS_COPY.

    Raises ImproperlyConfigured for an unknown engine, without the packages, or for a folder inside *public*.
    """
    copy = env.str("ANALYTICS_COPY", default="").strip()
    if not copy:
        return None
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ImproperlyConfigured(
            f"ANALYTICS_COPY needs packages that are not installed: {', '.join(missing)}. Type: "
            ".venv/bin/python -m pip install --require-hashes --only-binary :all: -r requirements-analytics.txt"
        )
    engine = env.str("ANALYTICS_ENGINE", default="").strip() or "duckdb"
    if engine != "duckdb" and not engine.startswith(ENGINES[1:]):
        raise ImproperlyConfigured(
            f"ANALYTICS_ENGINE must be duckdb, spark://HOST:PORT or sc://HOST:PORT, but is {engine!r}. "
            "Type: export ANALYTICS_ENGINE=duckdb"
        )
    if "://" not in copy:
        folder = BASE_DIR / Path(copy).expanduser()
        if public in (folder, *folder.parents):
            raise ImproperlyConfigured(
                f"ANALYTICS_COPY is {folder}, inside STATIC_ROOT, whose files are public. "
                f"Type, for example: export ANALYTICS_COPY={public.parent / 'copy'}"
            )
        copy = str(folder)
    return Analytics(
        copy=copy,
        engine=engine,
        minutes=number("ANALYTICS_MINUTES", default=10),
        grace_minutes=number("ANALYTICS_GRACE_MINUTES", default=60),
        threads=number("ANALYTICS_THREADS", default=2) or 1,
        memory=number("ANALYTICS_MEMORY", default=512) or 512,
    )
