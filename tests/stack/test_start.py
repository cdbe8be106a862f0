"""A new stack: its contents, its services and its open ports."""

import json
import re
import time

from tests.stack.stack import docker


def test_the_sources_are_imported(stack, show):
    counts = stack.run("deploy/query").stdout
    show(f"docker compose up took {stack.seconds:.1f} s to a ready site;", " ".join(counts.split()[:14]))
    assert re.search(r"user_experiments\s*\|\s*2000\b", counts) and "experiments_per_user" in counts
    tables = stack.tables()
    expected = {"people": 10_000, "users": 200, "respondents": 5_000, "subjects": 52}
    assert {name: tables[name][0] for name in expected} == expected


def test_the_database_uses_the_memory_that_it_is_given(stack, show):
    settings = stack.sql(
        "SELECT name, setting::bigint * unit_kb FROM (SELECT name, setting, CASE unit WHEN '8kB' THEN 8"
        " ELSE 1 END AS unit_kb FROM pg_settings WHERE name IN ('shared_buffers', 'work_mem')) s ORDER BY 1"
    )
    show(settings)
    shared, work = (int(line.split("|")[1]) for line in settings.split())
    assert 31 <= shared / work <= 33


def test_the_admin_and_the_api_answer_through_the_proxy(stack, show):
    status, headers, body = stack.ask("/sign-in/")
    assert (status, b"Sign in | Tabularium" in body) == (200, True)
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
    assert "Content-Security-Policy" in headers and "Server" not in headers
    style = re.search(rb'href="(/static/datasets/[^"]+\.css)"', body)[1].decode()
    assert stack.ask(style)[0] == 200
    births = stack.api("/api/people/births-by-country/")["results"]
    assert births[0] == {"country": "Averland", "births": 7079}
    assert stack.ask("/api/people/people/")[0] == 401  # by default, reading needs a token
    packed = stack.ask("/sign-in/", **{"Accept-Encoding": "gzip"})[1]
    assert packed.get("Content-Encoding") == "gzip"
    show("admin, its files, and API answer; births:", births)


def test_metrics_are_not_public(stack, show):
    paths = ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/./metrics", "/metrics?x", "/admin/../metrics"]
    answers = {path: stack.ask(path)[0] for path in paths}
    show(answers)
    assert not {200} & set(answers.values())


def test_both_replicas_serve(stack, load, show):
    replicas = stack.containers("web")
    assert len(replicas) == 2
    before = {replica: _requests(replica) for replica in replicas}
    with load:
        time.sleep(5)
    show(load.summary())
    assert not load.bad()
    served = {replica[:12]: _requests(replica) - before[replica] for replica in replicas}
    show("requests in the logs of each replica:", served)
    assert min(served.values()) > 0.2 * sum(served.values())


def test_only_the_proxy_has_open_ports(stack, show):
    ids = stack.run("docker", "compose", "ps", "--all", "--quiet").stdout.split()
    open_ports = {}
    for container in json.loads(docker("inspect", *ids)):
        bindings = container["HostConfig"]["PortBindings"] or {}
        if published := {port: at for port, at in container["NetworkSettings"]["Ports"].items() if at} or bindings:
            open_ports[container["Config"]["Labels"]["com.docker.compose.service"]] = sorted(published)
    show(open_ports)
    assert open_ports == {"proxy": ["443/tcp", "443/udp", "80/tcp"]}


def test_the_site_has_few_privileges(stack, show):
    for service in ("web", "worker"):
        container = json.loads(docker("inspect", stack.containers(service)[0]))[0]
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and container["Config"]["User"] == "tabularium"
        secret = [line for line in container["Config"]["Env"] if re.match(r"(SECRET_KEY|.*PASSWORD)=", line)]
        assert not secret
    role = stack.sql(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, has_parameter_privilege('session_replication_role', 'SET') "
        "FROM pg_roles WHERE rolname = current_user"
    ).strip()
    show("superuser, may make roles, databases, set session_replication_role:", role)
    assert role == "f|f|f|t"


def test_logs_of_proxy_and_site_share_the_request_id_and_have_no_personal_data(stack, show):
    request_id = "an-id-that-a-stranger-chose"
    path = "/api/people/people/?search=Zorbaxina"
    _, headers, _ = stack.ask(path, **{"X-Request-Id": request_id, "Authorization": f"Bearer {stack.token}"})
    logs = {
        service: stack.run("docker", "compose", "logs", "--no-log-prefix", service).stdout
        for service in ("proxy", "web")
    }
    show("X-Request-Id:", headers["X-Request-Id"])
    for log in logs.values():
        assert headers["X-Request-Id"] in log
        assert request_id not in log and "Zorbaxina" not in log and stack.token not in log


def _requests(container: str) -> int:
    return docker("logs", container).count('"gunicorn.access"')
