"""Variables of the environment, and of the file that speaks where it is silent, as settings: each word is checked."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"  # what a checkout makes for itself: database, uploads, collected static files; not committed

# As a browser writes one: a host name in ASCII and in small letters, or an address of IPv4 or IPv6.
LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
ORIGIN = re.compile(
    rf"https?://(?:{LABEL}(?:\.{LABEL})*|\[[0-9a-f:.]{{2,45}}\])(?::(?P<port>[1-9][0-9]{{0,4}}))?", re.ASCII
)


class Environment(environ.FileAwareEnv):
    """The environment, in which NAME_FILE=PATH is as good as NAME: a secret need not be in it."""

    def get_value(self, var: str, *arguments, **options):
        try:
            return super().get_value(var, *arguments, **options)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ImproperlyConfigured(
                f"{var}_FILE is {os.environ.get(f'{var}_FILE')}, which cannot be read: {reason}. Expected a file that "
                f"holds what {var} is to be. Type, for example: export {var}_FILE=/run/secrets/{var.lower()}"
            ) from error


env = Environment()
# The environment wins over the file. ENV_FILE may name another file; empty means none.
if env_file := env.str("ENV_FILE", default=str(BASE_DIR / ".env")):
    if "ENV_FILE" in os.environ and not Path(env_file).is_file():
        raise ImproperlyConfigured(
            f"ENV_FILE is {env_file}, where there is no file. Expected one such as .env.sample. "
            f"Type: cp .env.sample {env_file}, or, for none: export ENV_FILE="
        )
    env.read_env(env_file)


def flag(name: str, default: bool) -> bool:
    """An on/off variable; any other word is an error, so that DEBUG=flase does not pass for off."""
    meanings = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    value = env.str(name, default="").strip().lower()
    if value and value not in meanings:
        raise ImproperlyConfigured(f"{name} must be on or off, but is {value!r}. Type: export {name}=on or {name}=off")
    return meanings.get(value, default)


def number(name: str, default: int) -> int:
    """A variable that holds a whole number of 0 or more."""
    value = env.str(name, default="").strip() or str(default)
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(
            f"{name} must be a whole number, but is {value!r}. Type, for example: export {name}={default}"
        )
    return int(value)


def rate(name: str, default: str) -> str:
    """A variable that holds a number of requests for a span of time; off, or nothing, is no limit."""
    value = env.str(name, default=default).strip().lower()
    if value in ("", "off"):
        return ""
    if not re.fullmatch(r"[1-9][0-9]{0,6}/(second|minute|hour|day)", value):
        raise ImproperlyConfigured(
            f"{name} must be a number a second, minute, hour or day, or off, but is {value!r}. "
            f"Type, for example: export {name}={default}"
        )
    return value


def one_of(name: str, choices: list[str], default: str) -> str:
    """A variable that holds one word of *choices*, in capitals or not."""
    value = env.str(name, default="").strip() or default
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    told = f"{', '.join(choices[:-1])} or {choices[-1]}"
    raise ImproperlyConfigured(f"{name} must be {told}, but is {value!r}. Type: export {name}={default}")


def networks(name: str, default: list[str]) -> list[IPv4Network | IPv6Network]:
    """A variable that holds a list of networks, or addresses, separated by commas; none is no network."""
    value = env.str(name, default=",".join(default)).strip()
    try:
        return [] if value.lower() == "none" else [ip_network(word) for word in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be networks such as 10.0.0.0/8, or none: {error}. Type: export {name}={','.join(default)}"
        ) from error


def words(name: str, default: list[str]) -> list[str]:
    """A variable that holds a list, separated by commas."""
    return [word for word in (word.strip() for word in env.str(name, default="").split(",")) if word] or default


def origins(name: str) -> list[str]:
    """A variable that holds a list of origins, such as ``https://notebook.example.org``, separated by commas."""
    found = words(name, default=[])
    for origin in found:
        match = ORIGIN.fullmatch(origin)
        if not match or not 1 <= int(match["port"] or 80) <= 65535:
            raise ImproperlyConfigured(
                f"{name} must be origins (a scheme, a host name without *, and a port from 1 to 65535 where it "
                f"is not the usual one), but holds "
                f"{origin!r}. Type, for example: export {name}=https://notebook.example.org"
            )
    return found


def folder(name: str, default: Path) -> Path:
    """A variable that holds a folder; one that is not absolute is inside the checkout."""
    return BASE_DIR / Path(env.str(name, default="") or default).expanduser()
