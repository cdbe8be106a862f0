"""Logins through the proxy, and an analyst's view of the site."""

import re

from tests.stack.stack import new_browser


def test_the_link_for_the_first_account_works_once(stack, password, link, show):
    assert "unsuccessful" in new_browser().open(link).read().decode()
    assert stack.manage("first_sign_in") == ""
    log = stack.run("docker", "compose", "logs", "--no-log-prefix", "proxy").stdout
    result = set(re.findall(r"/admin/welcome/[^\"]*", log))
    show("in the proxy's log:", result)
    assert result == {"/admin/welcome/…"}


def test_explore_shows_tables_and_draws_charts(stack, curator, show):
    respondents = f"http://localhost:{stack.port}/explore/census/respondents/"
    assert "<tbody>" in curator.open(respondents).read().decode()
    assert "<table" in curator.open(f"{respondents}chart/").read().decode()
    begin = {"png": b"\x89PNG", "jpg": b"\xff\xd8", "svg": b"<svg"}
    for kind, first in begin.items():
        picture = curator.open(f"{respondents}chart.{kind}?width=640&height=400").read()
        show(kind, len(picture), "bytes")
        assert picture.startswith(first)
    rows = curator.open(f"{respondents}export/file?format=csv").read().decode().splitlines()
    assert len(rows) == 1 + stack.tables()["respondents"][0]
