"""Typed, checked access to environment variables, with the .env file as fallback."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"  # files that a checkout creates: database, uploads, collected static files; not committed

# An origin as browsers send it: a lower-case ASCII host name, an IPv4 or an IPv6 address.
LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
ORIGIN = re.compile(
    rf"https?://(?:{LABEL}(?:\.{LABEL})*|\[[0-9a-f:.]{{2,45}}\])(?::(?P<port>[1-9][0-9]{{0,4}}))?", re.ASCII
)


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # django-environ has no types
    """Environment variables; NAME_FILE=PATH can replace NAME, so that secrets stay out of the environment."""

    def get_value(self, var: str, *arguments: Any, **options: Any) -> Any:
        try:
            return super().get_value(var, *arguments, **options)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ImproperlyConfigured(
                f"{var}_FILE is {os.environ.get(f'{var}_FILE')}, which cannot be read: {reason}. Expected a file with "
                f"the value of {var}. Type, for example: export {var}_FILE=/run/secrets/{var.lower()}"
            ) from error


env = Environment()
# The environment has precedence over the file. ENV_FILE can name another file; an empty value means no file.
if env_file := env.str("ENV_FILE", default=str(BASE_DIR / ".env")):
    if "ENV_FILE" in os.environ and not Path(env_file).is_file():
        raise ImproperlyConfigured(
            f"ENV_FILE is {env_file}, but there is no such file. Expected a file such as .env.sample. "
            f"Type: cp .env.sample {env_file}, or, to use no file: export ENV_FILE="
        )
    env.read_env(env_file)


def flag(name: str, *, default: bool) -> bool:
    """Return an on/off variable. Any other word raises ImproperlyConfigured, so that DEBUG=flase does not mean off."""
    meanings = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    value = env.str(name, default="").strip().lower()
    if value and value not in meanings:
        raise ImproperlyConfigured(f"{name} must be on or off, but is {value!r}. Type: export {name}=on or {name}=off")
    return meanings.get(value, default)


def number(name: str, default: int) -> int:
    """Return a whole number, 0 or greater."""
    value = env.str(name, default="").strip() or str(default)
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(
            f"{name} must be a whole number, but is {value!r}. Type, for example: export {name}={default}"
        )
    return int(value)


def rate(name: str, default: str) -> str:
    """Return a throttling rate such as 600/minute; an empty string (from "off" or an empty value) means no limit."""
    value: str = env.str(name, default=default).strip().lower()
    if value in ("", "off"):
        return ""
    if not re.fullmatch(r"[1-9][0-9]{0,6}/(second|minute|hour|day)", value):
        raise ImproperlyConfigured(
            f"{name} must be a number per second, minute, hour or day, or off, but is {value!r}. "
            f"Type, for example: export {name}={default}"
        )
    return value


def one_of(name: str, choices: list[str], default: str) -> str:
    """Return one of *choices*; the case of the variable does not matter."""
    value = env.str(name, default="").strip() or default
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    expected = f"{', '.join(choices[:-1])} or {choices[-1]}"
    raise ImproperlyConfigured(f"{name} must be {expected}, but is {value!r}. Type: export {name}={default}")


def networks(name: str, default: list[str]) -> list[IPv4Network | IPv6Network]:
    """Return a comma-separated list of networks or addresses; "none" is an empty list."""
    value = env.str(name, default=",".join(default)).strip()
    try:
        return [] if value.lower() == "none" else [ip_network(word) for word in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be networks such as 10.0.0.0/8, or none: {error}. Type: export {name}={','.join(default)}"
        ) from error


def words(name: str, default: list[str]) -> list[str]:
    """Return a comma-separated list of texts."""
    return [word for word in (word.strip() for word in env.str(name, default="").split(",")) if word] or default


def origins(name: str) -> list[str]:
    """Return a comma-separated list of origins such as ``https://notebook.example.org``."""
    values = words(name, default=[])
    for origin in values:
        match = ORIGIN.fullmatch(origin)
        if not match or not 1 <= int(match["port"] or 80) <= 65535:
            raise ImproperlyConfigured(
                f"{name} must be origins (a scheme, a host name without *, and a port from 1 to 65535 "
                f"if it is not the default port), but contains "
                f"{origin!r}. Type, for example: export {name}=https://notebook.example.org"
            )
    return values


def folder(name: str, default: Path) -> Path:
    """Return a folder; a relative path is relative to the checkout."""
    return BASE_DIR / Path(env.str(name, default="") or default).expanduser()
