"""A separate stack: a checkout, its containers, volumes and ports, and methods to query it."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180  # maximum seconds for a process without interaction, such as the start of a container
# Every table's rows, in any order, as a number and a digest.
DIGESTS = """
SELECT format('SELECT %L, count(*), md5(string_agg(md5(t::text), '','' ORDER BY md5(t::text))) FROM %I t',
              relname, relname)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm', 'p') ORDER BY relname \\gexec
"""


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def docker(*arguments: str) -> str:
    """Run docker and return its output."""
    ran = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, f"docker {' '.join(arguments)}: {ran.stderr}"
    return ran.stdout.strip()


def until(true: Callable[[], bool], what: str) -> float:
    """Wait until a condition is true and return the seconds it took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < PATIENCE, f"{what}: not within {PATIENCE} seconds"
        time.sleep(0.2)
    return time.monotonic() - start


def new_browser() -> OpenerDirector:
    """A client with an empty cookie jar."""
    return build_opener(HTTPCookieProcessor(CookieJar()))


class Stack:
    """The services of docker-compose.yml, from a clone of the current tree."""

    def __init__(self, folder: Path):
        self.origin, self.folder = folder / "origin", folder / "checkout"
        self.port, self.https_port = free_port(), free_port()
        self.project = self.image = f"tabularium-test-{os.getpid()}"
        self.seconds = 0.0  # from an empty stack to a ready site
        self.token = ""

    def start(self) -> None:
        """Build and start the stack from scratch, as `docker compose up` does, and wait until the site is ready."""
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in filter(None, subprocess.run(listing, cwd=ROOT, capture_output=True, text=True).stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.origin / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.origin / name)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("As it is")
        self.git("clone", "--quiet", str(self.origin), str(self.folder), cwd=self.origin.parent)
        self.set()
        self.run("docker", "compose", "build", "--quiet")
        start = time.monotonic()
        began = self.run("docker", "compose", "up", "--detach", check=False)
        logs = self.run("docker", "compose", "logs", "--tail", "6", "web", "migrate").stdout if began.returncode else ""
        assert began.returncode == 0, began.stderr[-300:] + logs
        until(self.is_ready, "the site is ready")
        self.seconds = time.monotonic() - start
        self.run("docker", "compose", "up", "--detach", "--wait")
        self.token = self.manage(
            "api_token", "admin", "--name", "tests", "--scope", "read", "--scope", "import"
        ).strip()

    def set(self, **more: str) -> None:
        """Write .env with this stack's own names and ports, and the given variables."""
        lines = {
            "COMPOSE_PROJECT_NAME": self.project,
            "SITE_IMAGE": self.image,
            "HTTP_PORT": str(self.port),
            "HTTPS_PORT": str(self.https_port),
            "API_RATE_TOKEN": "off",  # the load uses one token
        } | more
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def remove(self) -> None:
        """Remove containers, volumes and images."""
        self.run("docker", "compose", "down", "--volumes", "--remove-orphans", check=False)
        for tag in ("latest", "previous"):
            subprocess.run(["docker", "image", "rm", "--force", f"{self.image}:{tag}"], capture_output=True)

    # Actions

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command in the checkout, without environment variables of another stack."""
        prefixes = tuple("COMPOSE_ SITE_ HTTP_PORT HTTPS_PORT DATABASE_URL DEBUG API_ MEDIA_ROOT ENV_FILE".split())
        environment = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
        ran = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert not check or ran.returncode == 0, f"{' '.join(command)}: {ran.stdout[-3000:]}{ran.stderr[-3000:]}"
        return ran

    def manage(self, *command: str) -> str:
        """Run manage.py in a web container and return its output."""
        return self.run("docker", "compose", "exec", "-T", "web", "python", "manage.py", *command).stdout

    def git(self, *command: str, cwd: Path | None = None) -> None:
        """Run git in the origin as a test user."""
        who = ["-c", "user.name=Tests", "-c", "user.email=tests@example.org"]
        subprocess.run(["git", *who, *command], cwd=cwd or self.origin, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        """Commit the changes of the origin."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's running containers."""
        return self.run("docker", "compose", "ps", "--quiet", service).stdout.split()

    def kill(self, container: str) -> None:
        """Kill a container's process as an out-of-memory kernel would, without docker's knowledge."""
        process = docker("inspect", "--format", "{{.State.Pid}}", container)
        as_root = ["run", "--rm", "--pid=host", "--user=0", "--entrypoint=sh", f"{self.image}:latest", "-c"]
        docker(*as_root, f"kill -9 {process}")

    # Requests

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a request through the proxy; return status, headers and body."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def api(self, path: str) -> dict:
        """Return the API's response to the token."""
        status, _, body = self.ask(path, Authorization=f"Bearer {self.token}")
        assert status == 200, body[:500]
        return json.loads(body)

    def is_ready(self) -> bool:
        """Return whether the proxy reaches a ready replica."""
        try:
            return self.ask("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def sql(self, statement: str, role: str = "$SITE_ROLE") -> str:
        """Run psql in the db container and return its output."""
        inside = f'psql --username="{role}" --dbname="$POSTGRES_DB" --no-align --tuples-only --set ON_ERROR_STOP=1'
        command = ["docker", "compose", "exec", "-T", "db", "sh", "-c", inside]
        ran = subprocess.run(command, cwd=self.folder, input=statement, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def tables(self) -> dict[str, tuple[int, str]]:
        """Return the number of rows and a hash of the contents of each table and materialized view."""
        rows = [line.split("|") for line in self.sql(DIGESTS).splitlines()]
        return {name: (int(count), digest) for name, count, digest in rows}

    def prometheus(self, query: str) -> float:
        """Return the result of a Prometheus query with a single number."""
        address = f"http://localhost:9090/api/v1/query?query={quote(query)}"
        text = self.run("docker", "compose", "exec", "-T", "prometheus", "wget", "-qO-", address).stdout
        result = json.loads(text)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0
