"""IP address of the client: trust the X-Forwarded-* headers of the configured proxy only."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)
NETWORK = 64  # prefix length of the IPv6 network that one client controls


def forget_what_a_stranger_claims(meta: dict[str, Any]) -> None:
    """Delete the headers that only a proxy may set, unless the request came from a trusted proxy."""
    if not (settings.TRUST_PROXY and is_within(meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)):
        for name in (*FORWARDED, "HTTP_X_REQUEST_ID"):
            meta.pop(name, None)


def was_forwarded(meta: dict[str, Any]) -> bool:
    """Return whether the request has headers of a proxy, trusted or not."""
    return any(name in meta for name in FORWARDED)


def is_within(address: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    """Return whether *address* is in one of *networks*. An empty address (a Unix socket) is local, so it is."""
    if not address:
        return True
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in networks)


def client_address(request: HttpRequest) -> str | None:
    """Return the IP address of the client, or its /64 network for IPv6; None if it is unknown.

    Behind a trusted proxy, it is the last address in X-Forwarded-For.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY else ""
    try:
        ip = ip_address((forwarded.rpartition(",")[2] or request.META.get("REMOTE_ADDR", "")).strip())
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip  # otherwise all IPv4 addresses would share a network
    return str(ip_network((ip, NETWORK), strict=False).network_address) if ip.version == 6 else str(ip)
