"""Whom to believe about where a request comes from: the proxy in front, where there is one, and nobody else."""

from ipaddress import ip_address, ip_network

from django.conf import settings

FORWARDED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)
NETWORK = 64  # bits that whoever has an IPv6 address has been given as a whole


def forget_what_a_stranger_claims(meta: dict) -> None:
    """Drop what only a proxy may say from a request's environment, unless it came from a trusted proxy."""
    if not (settings.TRUST_PROXY and is_within(meta.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)):
        for name in (*FORWARDED, "HTTP_X_REQUEST_ID"):
            meta.pop(name, None)


def was_forwarded(meta: dict) -> bool:
    """Tell whether a proxy, or somebody who claims to be one, passed the request on."""
    return any(name in meta for name in FORWARDED)


def is_within(address: str, networks: list) -> bool:
    """Tell whether *address* is in one of *networks*; a socket of this machine, which has no address, is."""
    if not address:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


def client_address(request) -> str | None:
    """Return the address of who asks, an IPv6 network as one; None where there is none.

    Behind a trusted proxy it is the last one that the proxy has written down.
    """
    said = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY else ""
    try:
        found = ip_address((said.rpartition(",")[2] or request.META.get("REMOTE_ADDR", "")).strip())
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found  # or all IPv4 addresses would be of one network
    return str(ip_network((found, NETWORK), strict=False).network_address) if found.version == 6 else str(found)
