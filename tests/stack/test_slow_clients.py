"""Hundreds of slow clients do not delay pages and probes, through the proxy and at each replica."""

import http.client
import json
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.stack.stack import ROOT, docker

CLIENTS, SECONDS = 500, 60
TIMES = 5  # the usual answer
PIECE = 10_000  # bytes
LEAST = 0.1  # seconds; shorter times vary with other load on the machine


def ask(port: int, path: str, host: str = "localhost") -> float:
    """Send one request and return the seconds to its correct response."""
    start = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.read() and answer.status == 200, (path, answer.status)
    connection.close()
    return time.monotonic() - start


def address_of(container: str) -> str:
    """Return a container's address from its host, without the proxy."""
    return docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container
    ).split()[0]


@pytest.mark.parametrize("protocol", ["by the proxy", "to a replica"])
def test_500_slow_clients_do_not_delay_probes_and_pages(stack, show, protocol):
    replica = stack.containers("web")[0]
    host, port = ("localhost", stack.port) if protocol == "by the proxy" else (address_of(replica), 8000)
    paths = ("/healthz", "/sign-in/") if protocol == "by the proxy" else ("/healthz",)
    usual = {path: max(ask(port, path, host) for _ in range(30)) for path in paths}
    command = [sys.executable, "-m", "tests.stack.slow", str(port), str(CLIENTS), str(SECONDS), host]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as slow:
        taken = {path: [] for path in paths}
        while slow.poll() is None:
            for path in paths:
                taken[path].append(ask(port, path, host))
            stack.run("docker", "compose", "exec", "-T", "web", "deploy/healthy")
            time.sleep(0.3)
        counts = json.loads(slow.stdout.read())
    worst = {path: max(times) for path, times in taken.items()}
    result = {
        path: f"{len(taken[path])} probes, {worst[path]:.3f} s at worst, usually {usual[path]:.3f}" for path in paths
    }
    show(result, counts)
    assert counts["made"] >= CLIENTS and counts["cut"] > CLIENTS / 2
    assert all(len(times) > 30 for times in taken.values())
    assert all(worst[path] < TIMES * max(usual[path], LEAST) for path in paths)
    states = stack.run("docker", "compose", "ps", "--format", "json", "web").stdout
    assert states.count('"Health":"healthy"') == 2


@pytest.mark.parametrize("size", [1_500_000, 5_000_000, 100_000_000])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
def test_the_site_refuses_a_large_form_through_the_proxy(stack, size, is_chunked):
    fields, piece, end = f"Content-Length: {size}", b"x" * PIECE, b""
    if is_chunked:
        fields, piece, end = "Transfer-Encoding: chunked", b"%x\r\n%b\r\n" % (PIECE, piece), b"0\r\n\r\n"
    head = f"POST /api/people/people/ HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n".encode()
    for _ in range(30):
        with socket.create_connection(("localhost", stack.port), timeout=60) as client:
            with suppress(ConnectionError):  # the proxy may close the connection while this client sends
                client.sendall(head)
                for _ in range(0, size, PIECE):
                    if select.select([client], [], [], 0)[0]:  # the response has arrived
                        break
                    client.sendall(piece)
                else:
                    client.sendall(end)
            response = client.recv(PIECE)
        assert response.startswith(b"HTTP/1.1 413 "), response


def test_an_upload_longer_than_the_grace_period_is_accepted_through_the_proxy(stack, show):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="dataset"\r\n\r\npeople\r\n'
        b'--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\npreview\r\n'
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="places.csv"\r\n\r\n'
        b"city,county,country\n" + b"".join(b"City %d,Ironvale,Averland\n" % n for n in range(3000)) + b"\r\n--x--\r\n"
    )
    pieces = [body[at : at + len(body) // 15] for at in range(0, len(body), len(body) // 15)]

    def slowly():
        for piece in pieces:
            yield piece
            time.sleep(1)

    connection = http.client.HTTPConnection("localhost", stack.port, timeout=60)
    headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": "multipart/form-data; boundary=x"}
    connection.request("POST", "/api/imports/", slowly(), headers, encode_chunked=True)  # in chunks
    answer = connection.getresponse()
    result = json.loads(answer.read())
    connection.close()
    show(answer.status, result.get("status"))
    assert answer.status == 202 and result["uploads"][0]["name"] == "places.csv"
