"""Fixtures: two database servers, and a site that reads from both. `make test-replica` runs these tests."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replica.servers import Servers, manage
from tests.replica.site import NAME, Site, create_curator
from tests.serving.conftest import start


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A primary with the sample data, and its standby."""
    # Not in the private folder of the run: the servers may run as another user, which writes to this folder.
    with tempfile.TemporaryDirectory(prefix="tabularium-replica-") as folder:
        Path(folder).chmod(0o777)
        servers = Servers(Path(folder))
        try:
            manage(environment(servers), "prepare", "--import-sources")
            servers.make_standby()
            yield servers
        finally:
            servers.remove()


@pytest.fixture(scope="session")
def token(servers) -> str:
    """A token of the curator's account."""
    of_site = environment(servers)
    create_curator(of_site)
    scopes = ("--scope", "read", "--scope", "import")
    return manage(of_site, "api_token", NAME, "--name", "tests", *scopes).strip()


@pytest.fixture(scope="module")
def site(servers, token, tmp_path_factory, request) -> Iterator[Site]:
    """The site with one process and the settings that the module names, and a session of the curator."""
    variables = environment(servers) | getattr(request.module, "SETTINGS", {})
    server = start(tmp_path_factory.mktemp("site"), variables, {"WEB_CONCURRENCY": "1", "WEB_THREADS": "8"})
    site = Site(server, token)
    site.sign_in()
    yield site
    server.process.terminate()
    server.process.wait()


def environment(servers: Servers) -> dict[str, str]:
    """Return the environment of the site."""
    return os.environ | {
        "DATABASE_URL": servers.url,
        "DATABASE_REPLICA_URL": servers.replica_url,
        "MEDIA_ROOT": str(servers.folder / "media"),
        "METRICS_ALLOWED": "127.0.0.0/8",
    }
