"""Log lines: JSON with the request's id in production, without names, passwords or tokens."""

import json
import logging
import subprocess
import sys

import pytest

from api import viewsets
from monitoring.log_format import JSONLines, TextLines, redacted, request_id
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no row of ana.silva+x@lab.example.org", "no row of [e-mail]"),
        ("postgresql://curator:s@cret@db/records", "postgresql://[secret]@db/records"),
        ("Authorization: Bearer tabularium_0123456789abcdefghij", "Authorization: Bearer [secret]"),
        ("token tabularium_0123456789abcdefghij was", "token [token] was"),
        ("GET /admin/people/person/?q=Silva&x=1 HTTP", "GET /admin/people/person/?[left out] HTTP"),
        ("sessionid=abc123; x", "sessionid=[secret]; x"),
        ("duplicate key\nDETAIL:  Key (name)=(Ana Silva) already exists.", "duplicate key\nDETAIL: [left out]"),
        ("What was it? Run 7 of people failed.", "What was it? Run 7 of people failed."),
    ],
)
def test_private_values_are_removed(text, shown):
    assert redacted(text) == shown


def record(message: str, *arguments, **more) -> logging.LogRecord:
    return logging.LogRecord(
        "imports.tasks", logging.ERROR, "tasks.py", 1, message, arguments, **({"exc_info": None} | more)
    )


def test_a_line_is_one_json_object():
    request_id.set("0123456789")
    failure = "of ana@example.org\nDETAIL:  Key (email)=(x)"
    try:
        raise ValueError(failure)
    except ValueError:
        line = JSONLines().format(record("run %s:\nfailed", 7, exc_info=sys.exc_info()))
    data = json.loads(line)
    assert "\n" not in line and data["time"].endswith("+00:00")
    expected = {"level": "ERROR", "logger": "imports.tasks", "message": "run 7:\nfailed", "request_id": "0123456789"}
    assert data.items() >= expected.items()
    assert "Traceback" in data["error"] and "[e-mail]" in data["error"] and "(x)" not in data["error"]
    request_id.set("")
    assert "request_id" not in json.loads(JSONLines().format(record("x")))
    assert TextLines().format(record("by ana@example.org")).endswith("ERROR imports.tasks: by [e-mail]")


PRODUCTION = {"DEBUG": "off", "LOG_LEVEL": "INFO", "STATIC_ROOT": "var/none"}


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def test_every_line_of_production_is_a_json_object_without_personal_data_or_ids_of_strangers(
    serve, transactional_db, child_environment, tmp_path
):
    production = PRODUCTION | {"STATIC_ROOT": str(tmp_path / "static"), "SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "x"}
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input"]  # the 404 page needs the database
    subprocess.run(collect, env=child_environment | production, cwd=ROOT, check=True, capture_output=True)
    server = serve(**production)
    secret = "tabularium_0123456789abcdefghij0123456789"
    server.get("/api/people/people/?q=Silva", Authorization=f"Bearer {secret}", Cookie="sessionid=s3ss10n")
    _, headers, _ = server.get("/nothing/ana@example.org/?token=swordfish", X_Request_ID="from-a-stranger-1")
    assert headers["x-request-id"] != "from-a-stranger-1"  # only a trusted proxy sets it
    server.get("/readyz")
    server.stop()
    requests = lines(server.access)
    # A process writes its line after the response, so the lines of two processes can be in another order.
    assert {(line["route"], line["method"], line["status"]) for line in requests} == {
        ("people-people-list", "GET", 401),
        ("none", "GET", 404),
    }
    assert len(requests) == 2
    assert all(line["seconds"] >= 0 and line["bytes"] >= 0 and len(line["request_id"]) == 32 for line in requests)
    assert lines(server.log)
    everything = server.access.read_text() + server.log.read_text()
    for word in (secret, "Silva", "s3ss10n", "ana@", "swordfish", "127.0.0.1 "):
        assert word not in everything


def test_a_request_id_is_in_the_response_and_in_its_log_lines(serve, transactional_db):
    server = serve(**PRODUCTION, TRUST_PROXY="on")
    _, headers, _ = server.get("/api/", X_Request_ID="from-the-proxy-1")
    assert headers["x-request-id"] == "from-the-proxy-1"
    for bad in ("short", "x" * 65, "with blank in it", "ünï"[:1] + "<script>"):
        assert len(server.get("/api/", X_Request_ID=bad.encode("latin-1", "replace"))[1]["x-request-id"]) == 32
    server.stop()
    assert "from-the-proxy-1" in {line["request_id"] for line in lines(server.access)}


@pytest.mark.django_db
def test_an_internal_error_has_the_request_id(client, monkeypatch, caplog):
    monkeypatch.setattr(viewsets, "page", lambda *arguments: 1 / 0)
    client.raise_request_exception = False
    answer = client.get("/api/census/respondents/")
    assert answer.status_code == 500 and answer.json()["id"] == answer["X-Request-ID"]
    assert answer["X-Request-ID"] in caplog.text


def test_text_logs_have_no_control_characters():
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "places\x1b[31m\x9b.csv\nand more"})
    assert TextLines().format(record).endswith("INFO x: places\\x1b[31m\\x9b.csv\nand more")
