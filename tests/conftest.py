"""The database of the test run, and the fixtures for all tests.

TEST_ENGINE selects the database engine: ``sqlite`` (the default) or ``postgresql``. The SQLite database is a file, so
that threads and other processes can read it. The PostgreSQL server is TEST_DATABASE_URL, or a server that the test run
starts and stops.
"""

import atexit
import gc
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
import pytest
from django.apps import apps
from django.db import connection, connections, transaction

from tests.embedded_postgresql import get_server

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("sqlite", "postgresql")
# The fixtures by which --share selects tests.
DATABASE = {"db", "transactional_db", "module_db"}
PROCESS = {"chromium", "child_environment"}  # a browser, or another process that uses the test database
SHARES = {
    "sqlite": "tests with a database, and tests without one",
    "postgresql": "tests with a database, and tests with a browser or another process",
}

ABSENT = ROOT / "tests" / "absent"  # modules that production does not have
MEMORY, ENOUGH = Path("/dev/shm"), 4 * 2**30  # bytes

pytest_plugins = ["tests.import_fixtures"]
server = None  # the PostgreSQL server of this run, if this process started it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", action="store_true", help="skip what the run on the other engine tests")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select the tests of this engine with --share, and begin with those that wait, so that others fill the time."""
    if config.getoption("share"):
        selected = [item for item in items if os.environ["TEST_ENGINE"] in engines_of(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(selected)])
        items[:] = sorted(selected, key=lambda item: (PROCESS | {"server"}).isdisjoint(item.fixturenames))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes for -n auto: PostgreSQL's share takes longer, and waits for other processes."""
    return 3 if config.getoption("share") and os.environ["TEST_ENGINE"] == "postgresql" else 2


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Collect tests without garbage collection, freeze the loaded objects, and collect rarely: all save time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


def engines_of(item: pytest.Item) -> tuple[str, ...]:
    """The engines on which a test runs if both are tested."""
    fixtures = set(item.fixturenames)
    if item.get_closest_marker("both_engines"):
        return ENGINES
    if (marker := item.get_closest_marker("only_on")) and not fixtures & PROCESS:
        return marker.args
    if fixtures & PROCESS:
        return ("postgresql",)
    if fixtures & DATABASE or item.get_closest_marker("django_db"):
        return ENGINES
    return ("sqlite",)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before Django reads it, so the settings are named here and not in pyproject.toml."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return  # a worker inherits the environment of the main process
    engine = os.environ.get("TEST_ENGINE", "sqlite")
    if engine not in ENGINES:
        pytest.exit(f"TEST_ENGINE must be sqlite or postgresql, but is {engine!r}.", returncode=1)

    # The configuration of the machine must not affect tests.
    for line in (ROOT / ".env.sample").read_text().splitlines():
        os.environ.pop(line.removeprefix("# ").partition("=")[0], None)

    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise every process of the run compiles all modules again
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # background jobs of a shell ignore SIGINT
        signal.signal(signal.SIGINT, signal.default_int_handler)

    scratch = Path(tempfile.mkdtemp(prefix="tabularium-tests-", dir=in_memory()))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": "",
        "DEBUG": "on",
        "LOG_LEVEL": "WARNING",
        "API_RATE_ANONYMOUS": "off",  # all tests have one client address
        "API_RATE_TOKEN": "off",
        "MEDIA_ROOT": str(scratch / "media"),
        "TEST_SCRATCH": str(scratch),
        "PYTEST_DEBUG_TEMPROOT": str(scratch),  # of tmp_path; to keep its folders, use --basetemp
        "TEST_ENGINE": engine,
        "DATABASE_URL": f"sqlite:///{scratch / 'site.sqlite3'}" if engine == "sqlite" else postgresql_url(scratch),
    }
    if not config.getoption("numprocesses", default=None):  # with -n, tests run in the workers only
        django.setup()


def in_memory() -> Path | None:
    """Return an in-memory folder for a run's databases, or None if there is none large enough."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH else None


def postgresql_url(folder: Path) -> str:
    """Return the server that the environment names if it answers, or start one in the folder."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.Error as error:
            pytest.exit(f"The PostgreSQL that TEST_DATABASE_URL names does not answer: {error}", returncode=1)
        return url

    global server
    server = get_server(folder / "postgresql", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # durability is not needed
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    return server.get_uri()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server of the run, and exclude all objects from garbage collection, for a fast exit."""
    global server
    gc.freeze()
    if server is not None:
        server.cleanup()
        server = None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Report the database, the browser, and the number of tests for the other engine."""
    share = SHARES[os.environ["TEST_ENGINE"]] if config.getoption("share") else "all tests"
    return [f"database: {named_database()}", f"browser: {find_chromium() or NO_BROWSER}", f"share: {share}"]


def named_database() -> str:
    """Return the engine of this run and its version."""
    if os.environ["TEST_ENGINE"] == "sqlite":
        return f"SQLite {sqlite3.sqlite_version} (a file)"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        version = connection.execute("SHOW server_version").fetchone()[0]
    return f"PostgreSQL {version} ({'started for this run' if server else 'TEST_DATABASE_URL'})"


NO_BROWSER = (
    "none found, so the tests in tests/browser are skipped. Type: apt-get install chromium-headless-shell, or set "
    "CHROMIUM to the path of a Chromium or Chrome"
)


def find_chromium() -> str | None:
    """Return the path of a Chromium: that of CHROMIUM, or the first installed one."""
    names = [
        os.environ.get("CHROMIUM"),
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; a test that needs one is skipped if there is none."""
    return find_chromium() or pytest.skip(f"browser: {NO_BROWSER}")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings) -> None:
    """Use a test database in a file on SQLite: only one process could use one in memory."""
    if os.environ["TEST_ENGINE"] == "sqlite":
        folder = tempfile.mkdtemp(prefix="database-", dir=os.environ["TEST_SCRATCH"])
        connections.databases["default"]["TEST"]["NAME"] = str(Path(folder, "test.sqlite3"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """A database that is flushed quickly after a test that commits."""
    from tests.fast_flush import empty_quickly

    with django_db_blocker.unblock():
        empty_quickly()


@pytest.fixture(scope="module")
def module_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The database for records that a module's tests share and only read; rolled back after the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path: Path) -> None:
    """Give each test its own media folder and a fast password hasher."""
    from datasets.records.label_cache import forget

    forget()  # clear the labels that the previous test cached
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_open_streams() -> None:
    """Release the streams that the previous test left unread: they count until they are garbage."""
    from exports.concurrency import taken

    if taken():
        gc.collect()


@pytest.fixture
def child_environment(settings, transactional_db) -> dict[str, str]:
    """The environment for another process, such as manage.py, on this test's database and files."""
    return environment_with(settings.MEDIA_ROOT)


def environment_with(media: Path) -> dict[str, str]:
    """Return the environment for another process on the test database and the files in a folder."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    return os.environ | {"DATABASE_URL": url, "MEDIA_ROOT": str(media), "PYTHONPATH": str(ABSENT)}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the original files: REAL_DATA, by default shared/data beside the repository."""
    folder = Path(os.environ.get("REAL_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; set REAL_DATA to the one that holds it")
    return folder


YEARS = {"Bachelors": 13, "HS-grad": 9, "Masters": 14}


@pytest.fixture
def respondent() -> Callable:
    """A function that returns an unsaved respondent with the given values."""
    return partial(_respondent, {})


def _respondent(stored, education="Bachelors", occupation="Sales", native_country="Peru", workclass=None, **fields):
    def value(model, name, **defaults):
        if name and (model, name) not in stored:
            term = apps.get_model("census", model).objects.get_or_create(name=name, defaults=defaults)
            stored[model, name] = term[0]
        return name and stored[model, name]

    return apps.get_model("census", "Respondent")(
        **{
            "age": 39,
            "workclass": value("Workclass", workclass),
            "fnlwgt": 77516,
            "education": value("EducationLevel", education, years=YEARS[education]),
            "marital_status": value("MaritalStatus", "Never-married"),
            "occupation": value("Occupation", occupation),
            "relationship": value("Relationship", "Unmarried"),
            "race": value("Race", "Other"),
            "sex": "Female",
            "capital_gain": 2174,
            "capital_loss": 0,
            "hours_per_week": 40,
            "native_country": value("Country", native_country),
            "income_over_50k": False,
            **fields,
        }
    )
