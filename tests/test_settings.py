"""Settings from environment variables: production with a missing one stops with an error message."""

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from config.databases import LIVENESS
from config.db_pool import PooledConnection

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = (ROOT / ".env.sample").read_text()
PRODUCTION = {
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "ALLOWED_HOSTS": "data.example.org",
    "DATABASE_URL": "postgresql://curator:s%40cret@db.example.org:5433/records?sslmode=require",
}


def described() -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", SAMPLE, re.M))


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Python in the checkout with only these environment variables."""
    environment = {name: value for name, value in os.environ.items() if name not in described()}
    environment |= {"ENV_FILE": "", "DJANGO_SETTINGS_MODULE": "config.settings"} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def settings_with(**variables: str) -> SimpleNamespace:
    """Return the site's settings with only these environment variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in described():
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        return SimpleNamespace(**vars(global_settings) | runpy.run_path(str(ROOT / "config" / "settings.py")))


def refusal(**variables: str) -> str:
    """Return the error of invalid settings."""
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_with(**variables)
    return str(caught.value)


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_without_a_variable_prints_the_command_that_sets_it(name):
    lacking = {key: value for key, value in PRODUCTION.items() if key != name}
    first, *rest = refusal(**lacking).splitlines()
    assert first.startswith(f"{name} is not set. Production (DEBUG off) requires it. Type: export {name}=")
    assert len(rest) == 1 and rest[0].endswith("make run")
    assert refusal(**lacking, **{name: ""}).splitlines()[0] == first  # an empty variable counts as not set


def test_production_without_variables_lists_all_that_are_required():
    lines = refusal().splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(PRODUCTION)


@pytest.mark.parametrize("command", ["makemigrations --check --dry-run", "shell -c 1", "migrate", "import_people"])
def test_every_command_prints_the_same_message(command):
    ran = python("manage.py", *command.split())
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", refusal() + "\n")


def test_the_server_prints_the_same_message():
    ran = python("-c", "import config.wsgi")
    assert (ran.returncode, ran.stderr) == (1, refusal() + "\n")


def test_gunicorn_stops_if_no_worker_can_start():
    ran = python("-m", "gunicorn", "config.wsgi", "--preload", "--no-control-socket", "--bind", "127.0.0.1:0")
    assert ran.returncode != 0
    assert refusal() in ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DEBUG": "flase"}, "DEBUG must be on or off, but is 'flase'. Type: export DEBUG=on or DEBUG=off"),
        (
            {"DATABASE_URL": "mysql://localhost/records"},
            "DATABASE_URL has the unknown scheme 'mysql'. Expected sqlite:///",
        ),
        ({"DATABASE_URL": "postgresql://u:pa/ss@h/records"}, "DATABASE_URL cannot be parsed. Expected sqlite:///"),
        ({"DATABASE_URL": "postgresql://localhost"}, "DATABASE_URL has no database name. Expected sqlite:///"),
        (
            {"DATABASE_URL": "sqlite:///var/x.sqlite3", "DATABASE_REPLICA_URL": "postgresql://standby/records"},
            "DATABASE_REPLICA_URL needs PostgreSQL, but DATABASE_URL is SQLite: set DATABASE_URL to the PostgreSQL "
            "database that the replicas follow, or remove DATABASE_REPLICA_URL.",
        ),
        (
            {"READ_ONLY_WITHOUT_PRIMARY": "on"},
            "READ_ONLY_WITHOUT_PRIMARY is on, which needs a read replica: set DATABASE_REPLICA_URL.",
        ),
        ({"DATABASE_REPLICA_URL": "mysql://h/records"}, "DATABASE_REPLICA_URL cannot be parsed. Expected postgresql:"),
        ({"DATABASE_REPLICA_URL": "postgresql://h/x?hots=y"}, "DATABASE_REPLICA_URL cannot be parsed. Expected postgr"),
        ({"DATABASE_URL": "sqlite:///no-such-folder/x.sqlite3"}, "Type: mkdir -p "),
        ({"DATABASE_POOL_MAX_SIZE": "many"}, "DATABASE_POOL_MAX_SIZE must be a whole number, but is 'many'. Type"),
        ({"API_RATE_TOKEN": "5/fortnight"}, "API_RATE_TOKEN must be a number per second, minute, hour or day, or off"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, but is 'loud'."),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be text or json, but is 'xml'. Type: export LOG_FORMAT=json"),
        ({"METRICS_ALLOWED": "everybody"}, "METRICS_ALLOWED must be networks such as 10.0.0.0/8, or none: 'everybody'"),
        ({"SECRET_KEY_FILE": "no-such-file"}, "SECRET_KEY_FILE is no-such-file, which cannot be read: No such file or"),
        ({"MEDIA_ROOT": "var/static/media"}, "so uploads would be, too. Type, for example: export MEDIA_ROOT="),
        (
            {"FILES_STORAGE": "s3://key:pa/ss@files"},
            "FILES_STORAGE must be a bucket with an optional prefix. Keys belong",
        ),
    ],
)
def test_an_invalid_setting_is_refused_in_one_line(variables, expected):
    refused = refusal(**PRODUCTION | variables)
    assert expected in refused and "\n" not in refused
    assert "pa/ss" not in refused  # a message never contains a password


def test_a_missing_settings_file_is_refused_in_one_line():
    ran = python("manage.py", "check", **PRODUCTION, ENV_FILE="no-such-file")
    expected = "ENV_FILE is no-such-file, but there is no such file. Expected a file such as .env."
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(expected) and ran.stderr.count("\n") == 1


def test_a_traceback_is_shown_on_request():
    assert "Traceback" in python("manage.py", "check", "--traceback").stderr


def test_database_url_chooses_sqlite():
    database = settings_with(DEBUG="on", DATABASE_URL="sqlite:///var/other.sqlite3").DATABASES["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(ROOT / "var" / "other.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_database_url_chooses_postgresql_with_a_pool():
    sizes = {"DATABASE_POOL_MIN_SIZE": "2", "DATABASE_POOL_MAX_SIZE": "5", "DATABASE_POOL_TIMEOUT": "3"}
    database = settings_with(**PRODUCTION, **sizes).DATABASES["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "records",
        "curator",
        "s@cret",
        "db.example.org",
        5433,
    ]
    pool = {"min_size": 2, "max_size": 5, "timeout": 3, "connection_class": PooledConnection}
    assert database["OPTIONS"] == {"sslmode": "require", "pool": pool} | LIVENESS


def test_a_pool_size_of_0_disables_the_pool():
    database = settings_with(**PRODUCTION, DATABASE_POOL_MAX_SIZE="0").DATABASES["default"]
    assert database["OPTIONS"] == {"sslmode": "require"} | LIVENESS


@pytest.mark.django_db
def test_the_database_of_this_run_is_set_up_as_the_settings_say():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pragmas = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 20000}
            assert {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas} == pragmas
        else:
            assert connection.pool.max_size == 8
            cursor.execute("SHOW timezone")
            assert cursor.fetchone()[0] == "UTC"


def test_anonymous_read_access_is_a_setting():
    assert settings_with(DEBUG="on").API_ANONYMOUS_READ
    assert not settings_with(**PRODUCTION).API_ANONYMOUS_READ
    assert settings_with(**PRODUCTION, API_ANONYMOUS_READ="on").API_ANONYMOUS_READ


def test_request_limits_of_the_api():
    rates = settings_with(**PRODUCTION, API_RATE_ANONYMOUS="5/second").API_RATES
    assert rates == {"anonymous": "5/second", "token": "1200/minute"}
    rates = settings_with(DEBUG="on", API_RATE_ANONYMOUS="", API_RATE_TOKEN="Off").API_RATES
    assert rates == {"anonymous": "", "token": ""}


def test_a_proxy_is_trusted_only_if_a_setting_says_so():
    alone, behind = settings_with(**PRODUCTION), settings_with(**PRODUCTION, TRUST_PROXY="on", HTTPS="off")
    assert (alone.SECURE_PROXY_SSL_HEADER, alone.SECURE_SSL_REDIRECT) == (None, True)
    assert alone.REST_FRAMEWORK["NUM_PROXIES"] == 0
    assert behind.SECURE_PROXY_SSL_HEADER == ("HTTP_X_FORWARDED_PROTO", "https") and not behind.SECURE_SSL_REDIRECT
    assert behind.REST_FRAMEWORK["NUM_PROXIES"] == 1


def test_production_protects_sessions():
    site = settings_with(**PRODUCTION)
    assert site.SESSION_COOKIE_SECURE and site.CSRF_COOKIE_SECURE
    assert site.SESSION_COOKIE_HTTPONLY and site.SECURE_SSL_REDIRECT
    site = settings_with(**PRODUCTION, SESSION_HOURS="1", HSTS_SECONDS="60", SECRET_KEY_FALLBACKS="old, older")
    assert (site.SESSION_COOKIE_AGE, site.SECURE_HSTS_SECONDS) == (3600, 60)
    assert site.SECRET_KEY_FALLBACKS == ["old", "older"]
    site = settings_with(**PRODUCTION, SIGN_IN_FAILURES="0", HTTPS="off")
    assert (site.AXES_ENABLED, site.SECURE_HSTS_SECONDS) == (False, 0)


def test_only_listed_origins_can_read_the_api():
    middleware = "corsheaders.middleware.CorsMiddleware"
    assert middleware not in settings_with(DEBUG="on").MIDDLEWARE
    site = settings_with(DEBUG="on", CORS_ORIGINS="https://a.example.org, http://localhost:8888")
    assert site.CORS_ALLOWED_ORIGINS == ["https://a.example.org", "http://localhost:8888"]
    assert middleware in site.MIDDLEWARE


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "a.example.org", "https://a.example.org/", "https://a.example.org/x", "https://*.example.org"),
        *("https://a_b!.example.org", "https://a b.example.org", "https://a..example.org", "https://u@a.example.org"),
        *("https://a.example.org:0", "https://a.example.org:65536", "https://a.example.org:", "https://é.example.org"),
    ],
)
def test_an_invalid_origin_is_refused(origin):
    assert refusal(DEBUG="on", CORS_ORIGINS=origin).startswith("CORS_ORIGINS must be origins")


def test_hsts_preload_is_off_by_default():
    assert not settings_with(**PRODUCTION).SECURE_HSTS_PRELOAD
    assert settings_with(**PRODUCTION, HSTS_PRELOAD="on").SECURE_HSTS_PRELOAD
    assert not settings_with(**PRODUCTION, HSTS_PRELOAD="on", HTTPS="off").SECURE_HSTS_PRELOAD


def test_metrics_are_for_this_machine_by_default():
    def allowed(**variables: str) -> list[str]:
        return [str(network) for network in settings_with(**PRODUCTION, **variables).METRICS_ALLOWED]

    assert allowed() == ["127.0.0.0/8", "::1/128"]
    assert allowed(METRICS_ALLOWED="10.0.0.0/8, 192.0.2.7") == ["10.0.0.0/8", "192.0.2.7/32"]
    assert allowed(METRICS_ALLOWED="none") == []


def test_the_file_is_used_for_variables_that_are_not_in_the_environment(tmp_path):
    file = tmp_path / "env"
    file.write_text("\n".join(f"{name}={value}" for name, value in PRODUCTION.items()) + "\nLOG_LEVEL=ERROR\n")
    show = "from django.conf import settings; print(settings.ALLOWED_HOSTS, settings.LOG_LEVEL)"
    ran = python("-c", show, ENV_FILE=str(file), LOG_LEVEL="WARNING")
    assert (ran.returncode, ran.stdout) == (0, "['data.example.org'] WARNING\n"), ran.stderr


def test_a_checkout_generates_one_secret_key():
    first = settings_with(DEBUG="on").SECRET_KEY
    assert first == settings_with(DEBUG="on").SECRET_KEY and len(first) >= 50
    assert (ROOT / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert "var/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_sample_lists_every_variable_that_the_settings_read():
    files = ("settings.py", "analytics.py", "databases.py", "env.py", "gunicorn.py", "limits.py", "stored_files.py")
    files += ("gunicorn_worker/health_server.py",)
    trees = [ast.parse((ROOT / "config" / name).read_text()) for name in files]
    calls = [node for tree in trees for node in ast.walk(tree) if type(node) is ast.Call]
    names = {"env.str", "flag", "number", "rate", "words", "folder", "one_of", "origins", "networks"}
    readers = [call for call in calls if ast.unparse(call.func) in names]
    read = {call.args[0].value for call in readers if isinstance(call.args[0], ast.Constant)}
    assert read >= {"DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "SOURCES_DIR", "HSTS_SECONDS"}
    composed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert read | composed == described()


def test_the_analytical_copy_is_off_and_names_the_packages_that_it_needs(monkeypatch):
    assert settings_with(DEBUG="on").ANALYTICS is None
    monkeypatch.setattr("config.analytics.find_spec", lambda name: None)
    assert refusal(ANALYTICS_COPY="/srv/copy", DEBUG="on").startswith(
        "ANALYTICS_COPY needs packages that are not installed: duckdb, fsspec, ibis. Type: "
    )
    monkeypatch.setattr("config.analytics.find_spec", lambda name: name)
    assert settings_with(ANALYTICS_COPY="copy", DEBUG="on").ANALYTICS.copy == str(ROOT / "copy")
    assert settings_with(ANALYTICS_COPY="s3://bucket/copy", DEBUG="on").ANALYTICS.copy == "s3://bucket/copy"
    assert "inside STATIC_ROOT, whose files are public" in refusal(ANALYTICS_COPY="var/static/copy", DEBUG="on")
    assert "must be duckdb, spark://HOST:PORT or sc://HOST:PORT, but is 'spark'" in refusal(
        ANALYTICS_COPY="copy", ANALYTICS_ENGINE="spark", DEBUG="on"
    )
