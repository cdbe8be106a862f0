"""Hosts of a test: network namespaces of this machine, on a network of their own that no other host can reach."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

NETWORK = "10.203.0"  # exists only between the namespaces of the test
REFUSED = "Network namespaces cannot be created here. Run make test-hosts as root, on a machine that allows them"


class NamespaceError(Exception):
    """This machine does not permit network namespaces."""


def ip(*arguments: str) -> None:
    ran = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if ran.returncode:
        raise NamespaceError(f"{REFUSED}: ip {' '.join(arguments)}: {ran.stderr.strip()}")


@dataclass
class Host:
    """A network namespace with an address, its processes, and a folder for its disk."""

    name: str
    number: int
    folder: Path
    namespace: str = ""
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{NETWORK}.{self.number}"

    @property
    def prefix(self) -> tuple[str, ...]:
        """The start of a command that runs on this host."""
        return ("ip", "netns", "exec", self.namespace)

    def run(self, *command: str, **options) -> subprocess.CompletedProcess:
        options = {"timeout": 120, "capture_output": True, "text": True} | options
        return subprocess.run([*self.prefix, *command], **options)

    def start(self, *command: str, **options) -> subprocess.Popen:
        """Start a process whose output is in the folder of the host."""
        with (self.folder / "log").open("ab") as log:
            options = {"stdout": log, "stderr": log} | options
            self.processes.append(subprocess.Popen([*self.prefix, *command], **options))
        return self.processes[-1]

    def vanish(self) -> None:
        """Take the host off the network, as if it had lost its power: no connection is closed."""
        ip("-n", self.namespace, "link", "set", "eth0", "down")

    def kill(self) -> None:
        """Kill all processes of the host, whose connections the kernel closes."""
        pids = subprocess.run(["ip", "netns", "pids", self.namespace], capture_output=True, text=True).stdout.split()
        for pid in map(int, pids):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        for process in self.processes:
            process.wait()
        self.processes.clear()


class Network:
    """Hosts that are connected by a switch in a namespace of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hosts = folder, dict[str, Host]()
        self._switch = f"tabularium-{os.getpid()}-switch"
        ip("netns", "add", self._switch)
        ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", self._switch, "link", "set", "bridge", "up")

    def add(self, name: str) -> Host:
        number = len(self.hosts) + 2
        host = Host(name, number, self.folder / name, f"tabularium-{os.getpid()}-{name}")
        host.folder.mkdir()
        self.hosts[name] = host
        ip("netns", "add", host.namespace)
        port = f"port{number}"
        ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
        ip("-n", self._switch, "link", "set", port, "master", "bridge", "up")
        ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", host.namespace, "link", "set", device, "up")
        return host

    def name(self, host: Host, entries: list[tuple[str, str]]) -> None:
        """Let *host* find addresses by name: each of *entries* is an address and a name."""
        folder = Path("/etc/netns", host.namespace)
        folder.mkdir(parents=True)
        lines = [("127.0.0.1", "localhost"), *entries]
        (folder / "hosts").write_text("".join(f"{address} {name}\n" for address, name in lines))

    def remove(self) -> None:
        for host in self.hosts.values():
            host.kill()
            subprocess.run(["ip", "netns", "delete", host.namespace], check=False)
            names = Path("/etc/netns", host.namespace)
            (names / "hosts").unlink(missing_ok=True)
            if names.is_dir():
                names.rmdir()
        subprocess.run(["ip", "netns", "delete", self._switch], check=False)
