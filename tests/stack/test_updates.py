"""Updates under load without failed requests: upgrade, rollback, and a broken version."""

import re
import time

from tests.stack.stack import docker

TITLE = 'admin.site.site_title = "Tabularium"'


def test_an_update_under_load_fails_no_request(stack, load, show):
    before = set(stack.containers("web"))
    urls = stack.origin / "config" / "urls.py"
    assert TITLE in urls.read_text()
    urls.write_text(urls.read_text().replace(TITLE, 'admin.site.site_title = "Another name"'))
    stack.commit("Another name")
    with load:
        time.sleep(2)
        ran = stack.run("deploy/update")
        time.sleep(2)
    show(load.summary(), _log_lines(ran.stderr))
    assert not load.bad()
    assert _names(stack) == {"Another name"}
    assert len(stack.containers("web")) == 2 and not before & set(stack.containers("web"))
    assert len(list((stack.folder / "backups").iterdir())) == 1

    load.seen.clear()
    with load:
        ran = stack.run("deploy/update", "--back")
        time.sleep(2)
    show("and back:", load.summary(), _log_lines(ran.stderr))
    assert not load.bad()
    assert _names(stack) == {"Tabularium"}


def test_an_update_to_a_broken_version_is_rolled_back(stack, load, show):
    before, names = {image(container) for container in stack.containers("web")}, _names(stack)
    assert len(before) == 1
    wsgi = stack.origin / "config" / "wsgi.py"
    text = wsgi.read_text()
    wsgi.write_text(text + '\nraise RuntimeError("this version is broken")\n')
    stack.commit("It breaks")
    with load:
        time.sleep(2)
        ran = stack.run("deploy/update", "--no-backup", check=False)
        time.sleep(2)
    show(load.summary(), _log_lines(ran.stderr))
    assert ran.returncode == 1 and "this version is broken" in ran.stderr
    assert not load.bad()
    assert [image(container) for container in stack.containers("web")] == [*before, *before]
    assert docker("image", "inspect", "--format", "{{.Id}}", f"{stack.image}:latest") in before
    assert _names(stack) == names
    wsgi.write_text(text)
    stack.commit("It works again")


def test_an_update_with_broken_workers_is_rolled_back(stack, load, show):
    before = {image(container) for container in stack.containers("web")}
    command = stack.origin / "imports" / "management" / "commands" / "worker.py"
    text = command.read_text()
    command.write_text(text + '\nraise RuntimeError("these workers are broken")\n')
    stack.commit("Workers break")
    with load:
        ran = stack.run("deploy/update", "--no-backup", check=False)
    show(load.summary(), _log_lines(ran.stderr))
    assert ran.returncode == 1
    assert not load.bad()
    assert {image(container) for service in ("web", "worker") for container in stack.containers(service)} == before
    command.write_text(text)
    stack.commit("Workers work again")


def test_more_replicas_and_fewer(stack, load, show):
    with load:
        for number in (4, 2):
            stack.run("docker", "compose", "up", "--detach", "--wait", "--no-recreate", "--scale", f"web={number}")
            time.sleep(3)
            assert len(stack.containers("web")) == number
    show("2, 4, 2 replicas:", load.summary())
    assert not load.bad()


def image(container: str) -> str:
    """Return the image of a container."""
    return docker("inspect", "--format", "{{.Image}}", container)


def _names(stack) -> set[str]:
    """Return the site's versions, with enough requests to reach every replica."""
    pages = [stack.ask("/sign-in/")[2].decode() for _ in range(8)]
    return {re.search(r"<title>Sign in \| (.*?)</title>", page)[1] for page in pages}


def _log_lines(text: str) -> str:
    return "\n    " + "\n    ".join(line for line in text.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line))
