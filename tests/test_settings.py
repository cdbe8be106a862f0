"""Settings from environment variables: production with a missing one stops with an error message."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = (ROOT / ".env.sample").read_text()
PRODUCTION = {
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "ALLOWED_HOSTS": "data.example.org",
    "DATABASE_URL": "postgresql://curator:s%40cret@db.example.org:5433/records?sslmode=require",
}
SHOW = "from django.conf import settings; from pprint import pprint; print({})"


def described() -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", SAMPLE, re.M))


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Run Python in the checkout with only these environment variables."""
    environment = {name: value for name, value in os.environ.items() if name not in described()}
    environment |= {"ENV_FILE": "", "DJANGO_SETTINGS_MODULE": "config.settings"} | variables
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def setting(expression: str, **variables: str) -> str:
    ran = python("-c", SHOW.format(expression), **variables)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def refusal(**variables: str) -> str:
    """Return the error of manage.py with invalid settings."""
    ran = python("manage.py", "check", **variables)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_without_a_variable_says_what_to_type(name):
    lacking = {key: value for key, value in PRODUCTION.items() if key != name}
    first, *rest = refusal(**lacking).splitlines()
    assert first.startswith(f"{name} is not set. Production (DEBUG off) requires it. Type: export {name}=")
    assert len(rest) == 1 and rest[0].endswith("make run")
    assert refusal(**lacking, **{name: ""}).splitlines()[0] == first  # set but empty is not set


def test_production_without_anything_says_all_that_it_needs():
    lines = refusal().splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(PRODUCTION)


@pytest.mark.parametrize("command", ["makemigrations --check --dry-run", "shell -c 1", "migrate", "import_people"])
def test_every_command_refuses_with_the_same_sentence(command):
    ran = python("manage.py", *command.split())
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", refusal())


def test_the_server_refuses_with_the_same_sentence():
    ran = python("-c", "import config.wsgi")
    assert (ran.returncode, ran.stderr) == (1, refusal())


def test_gunicorn_stops_where_no_worker_could_start():
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
        ({"DATABASE_URL": "sqlite:///no-such-folder/x.sqlite3"}, "Type: mkdir -p "),
        ({"DATABASE_POOL_MAX_SIZE": "many"}, "DATABASE_POOL_MAX_SIZE must be a whole number, but is 'many'. Type"),
        ({"API_RATE_TOKEN": "5/fortnight"}, "API_RATE_TOKEN must be a number per second, minute, hour or day, or off"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, but is 'loud'."),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be text or json, but is 'xml'. Type: export LOG_FORMAT=json"),
        ({"METRICS_ALLOWED": "everybody"}, "METRICS_ALLOWED must be networks such as 10.0.0.0/8, or none: 'everybody'"),
        ({"SECRET_KEY_FILE": "no-such-file"}, "SECRET_KEY_FILE is no-such-file, which cannot be read: No such file or"),
        (
            {"ENV_FILE": "no-such-file"},
            "ENV_FILE is no-such-file, but there is no such file. Expected a file such as .env.",
        ),
        ({"MEDIA_ROOT": "var/static/media"}, "so uploads would be, too. Type, for example: export MEDIA_ROOT="),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_one_line(variables, expected):
    refused = refusal(**PRODUCTION | variables)
    assert expected in refused and refused.count("\n") == 1
    assert "pa/ss" not in refused  # a password is never repeated


def test_a_traceback_comes_when_asked_for():
    assert "Traceback" in python("manage.py", "check", "--traceback").stderr


def test_database_url_chooses_sqlite():
    shown = setting("settings.DATABASES['default']", DEBUG="on", DATABASE_URL="sqlite:///var/other.sqlite3")
    database = ast.literal_eval(shown)
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == str(ROOT / "var" / "other.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_database_url_chooses_postgresql_with_a_pool():
    sizes = {"DATABASE_POOL_MIN_SIZE": "2", "DATABASE_POOL_MAX_SIZE": "5", "DATABASE_POOL_TIMEOUT": "3"}
    shown = setting("settings.DATABASES['default']", **PRODUCTION, **sizes)
    database = ast.literal_eval(shown.replace("<class 'config.db_pool.PooledConnection'>", "'PooledConnection'"))
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "records",
        "curator",
        "s@cret",
        "db.example.org",
        5433,
    ]
    pool = {"min_size": 2, "max_size": 5, "timeout": 3, "connection_class": "PooledConnection"}
    assert database["OPTIONS"] == {"sslmode": "require", "pool": pool}


def test_a_pool_of_none_is_no_pool():
    shown = setting("settings.DATABASES['default']['OPTIONS']", **PRODUCTION, DATABASE_POOL_MAX_SIZE="0")
    assert ast.literal_eval(shown) == {"sslmode": "require"}


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


def test_who_may_read_the_api_without_signing_in():
    assert setting("settings.API_ANONYMOUS_READ", DEBUG="on") == "True"
    assert setting("settings.API_ANONYMOUS_READ", **PRODUCTION) == "False"
    assert setting("settings.API_ANONYMOUS_READ", **PRODUCTION, API_ANONYMOUS_READ="on") == "True"


def test_request_limits_of_the_api():
    rates = ast.literal_eval(setting("settings.API_RATES", **PRODUCTION, API_RATE_ANONYMOUS="5/second"))
    assert rates == {"anonymous": "5/second", "token": "1200/minute"}
    rates = ast.literal_eval(setting("settings.API_RATES", DEBUG="on", API_RATE_ANONYMOUS="", API_RATE_TOKEN="Off"))
    assert rates == {"anonymous": "", "token": ""}


def test_a_proxy_is_trusted_only_if_a_setting_says_so():
    header = "settings.SECURE_PROXY_SSL_HEADER, settings.SECURE_SSL_REDIRECT, settings.REST_FRAMEWORK['NUM_PROXIES']"
    assert setting(header, **PRODUCTION) == "None True 0"
    result = setting(header, **PRODUCTION, TRUST_PROXY="on", HTTPS="off")
    assert result == "('HTTP_X_FORWARDED_PROTO', 'https') False 1"


def test_production_keeps_what_signs_people_in_to_itself():
    names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SECURE_SSL_REDIRECT"]
    shown = setting(", ".join(f"settings.{name}" for name in names), **PRODUCTION)
    assert shown == "True True True True"
    times = "settings.SESSION_COOKIE_AGE, settings.SECURE_HSTS_SECONDS, settings.SECRET_KEY_FALLBACKS"
    result = setting(times, **PRODUCTION, SESSION_HOURS="1", HSTS_SECONDS="60", SECRET_KEY_FALLBACKS="old, older")
    assert result == "3600 60 ['old', 'older']"
    off = setting(
        "settings.AXES_ENABLED, settings.SECURE_HSTS_SECONDS", **PRODUCTION, SIGN_IN_FAILURES="0", HTTPS="off"
    )
    assert off == "False 0"


def test_other_origins_read_the_api_only_where_they_are_listed():
    cors = '"corsheaders.middleware.CorsMiddleware" in settings.MIDDLEWARE'
    assert setting(cors, DEBUG="on") == "False"
    environment = {"DEBUG": "on", "CORS_ORIGINS": "https://a.example.org, http://localhost:8888"}
    assert setting(f"settings.CORS_ALLOWED_ORIGINS, {cors}", **environment) == (
        "['https://a.example.org', 'http://localhost:8888'] True"
    )


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "a.example.org", "https://a.example.org/", "https://a.example.org/x", "https://*.example.org"),
        *("https://a_b!.example.org", "https://a b.example.org", "https://a..example.org", "https://u@a.example.org"),
        *("https://a.example.org:0", "https://a.example.org:65536", "https://a.example.org:", "https://é.example.org"),
    ],
)
def test_an_origin_that_cannot_be_one_is_refused(origin):
    assert refusal(DEBUG="on", CORS_ORIGINS=origin).startswith("CORS_ORIGINS must be origins")


def test_hsts_preload_is_off_by_default():
    assert setting("settings.SECURE_HSTS_PRELOAD", **PRODUCTION) == "False"
    assert setting("settings.SECURE_HSTS_PRELOAD", **PRODUCTION, HSTS_PRELOAD="on") == "True"
    assert setting("settings.SECURE_HSTS_PRELOAD", **PRODUCTION, HSTS_PRELOAD="on", HTTPS="off") == "False"


def test_metrics_are_for_this_machine_by_default():
    shown = "[str(network) for network in settings.METRICS_ALLOWED]"
    assert setting(shown, **PRODUCTION) == "['127.0.0.0/8', '::1/128']"
    assert setting(shown, **PRODUCTION, METRICS_ALLOWED="10.0.0.0/8, 192.0.2.7") == "['10.0.0.0/8', '192.0.2.7/32']"
    assert setting(shown, **PRODUCTION, METRICS_ALLOWED="none") == "[]"


def test_a_file_speaks_where_the_environment_is_silent(tmp_path):
    file = tmp_path / "env"
    file.write_text("\n".join(f"{name}={value}" for name, value in PRODUCTION.items()) + "\nLOG_LEVEL=ERROR\n")
    shown = setting("settings.ALLOWED_HOSTS, settings.LOG_LEVEL", ENV_FILE=str(file), LOG_LEVEL="WARNING")
    assert shown == "['data.example.org'] WARNING"


def test_a_checkout_makes_one_secret_of_its_own():
    first = setting("settings.SECRET_KEY", DEBUG="on")
    assert first == setting("settings.SECRET_KEY", DEBUG="on") and len(first) >= 50
    assert (ROOT / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert "var/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_sample_lists_every_variable_that_the_settings_read():
    files = ("settings.py", "databases.py", "env.py", "gunicorn.py", "limits.py", "gunicorn_worker/health_server.py")
    trees = [ast.parse((ROOT / "config" / name).read_text()) for name in files]
    calls = [node for tree in trees for node in ast.walk(tree) if type(node) is ast.Call]
    names = {"env.str", "flag", "number", "rate", "words", "folder", "one_of", "origins", "networks"}
    readers = [call for call in calls if ast.unparse(call.func) in names]
    read = {call.args[0].value for call in readers if isinstance(call.args[0], ast.Constant)}
    assert read >= {"DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "SOURCES_DIR", "HSTS_SECONDS"}
    composed = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    assert read | composed == described()
