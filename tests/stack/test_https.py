"""If SITE_ADDRESS is a host name, the proxy serves HTTPS and the site's settings follow."""

import http.client
import ssl
from contextlib import closing

from tests.stack.stack import until


def test_a_host_name_is_served_over_https(stack, show):
    try:
        stack.set(SITE_ADDRESS="localhost")  # a name for which the proxy signs the certificate itself
        stack.run("docker", "compose", "up", "--detach", "--wait")
        until(lambda: _answers(stack.https_port), "the proxy has its certificate")
        status, headers, _ = _ask_by_https(stack.https_port)
        there, result, _ = stack.ask("/sign-in/")
    finally:
        stack.set()
        stack.run("docker", "compose", "up", "--detach", "--wait")
    show(
        f"https: {status}, {headers['Strict-Transport-Security']}; {headers['Set-Cookie']}; http: {there}",
        result["Location"],
    )
    assert status == 200 and "max-age=2592000" in headers["Strict-Transport-Security"]
    assert "; Secure" in headers["Set-Cookie"]
    assert there == 308 and result["Location"] == "https://localhost/sign-in/"
    assert "Strict-Transport-Security" not in stack.ask("/sign-in/")[1]


def _answers(port: int) -> bool:
    try:
        return _ask_by_https(port)[0] == 200
    except OSError:
        return False


def _ask_by_https(port: int) -> tuple[int, dict[str, str], bytes]:
    unknown = ssl.create_default_context()
    unknown.check_hostname, unknown.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=unknown)
    with closing(connection):
        connection.request("GET", "/sign-in/")
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
