"""Throttling of requests by token, account or IP address. Each process counts for itself."""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from datasets.tokens import ApiToken

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView

JITTER = 1e-3  # tolerance for rounding, in seconds
NETWORK = 64  # bits of the IPv6 prefix that one customer gets


class _Throttle(SimpleRateThrottle):
    """Applies a rate of ``API_RATES`` (no limit if it is empty) by the generic cell rate algorithm (GCRA).

    It stores one number for each client: its theoretical arrival time. A client may send the rate's number of requests
    in one burst, and then one at a time. DRF's own throttle stores the time of each request.
    """

    scope: str
    num_requests: int  # with duration, the parts of the rate
    duration: int  # seconds
    cache = LocMemCache("throttles", {"OPTIONS": {"MAX_ENTRIES": 5000}})

    def get_rate(self) -> str | None:
        return settings.API_RATES[self.scope] or None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        return self.allow(self.get_cache_key(request, view))

    def allow(self, key: str | None) -> bool:
        """Count a request of the client *key*, and return whether it is within the rate; None has no limit."""
        if self.rate is None or key is None:
            return True
        interval, now = self.duration / self.num_requests, self.timer()
        arrival = max(self.cache.get(key, now), now)  # the theoretical arrival time
        self.too_early = arrival + interval - now - self.duration
        if self.too_early > JITTER:
            return False
        self.cache.set(key, arrival + interval, self.duration)
        return True

    def wait(self) -> float:
        """Return the seconds until the next request is allowed."""
        return self.too_early


class AddressThrottle(_Throttle):
    """Throttles anonymous requests by IP address."""

    scope = "anonymous"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        return None if request.user.is_authenticated else self._address_key(request)

    def allow_address(self, request: Request) -> bool:
        """Return whether the request's IP address is within its rate, whatever the credentials."""
        return self.allow(self._address_key(request))

    def _address_key(self, request: Request) -> str:
        return f"address-{_network(self.get_ident(request))}"


class TokenThrottle(_Throttle):
    """Throttles requests by token, and those of browser sessions by account."""

    scope = "token"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}"
        return f"account-{request.user.pk}" if request.user.is_authenticated else None


def _network(address: str | None) -> str:
    """Return the key of an IP address: its /64 network for IPv6."""
    try:
        ip = ipaddress.ip_address((address or "").strip())
    except ValueError:  # a Unix socket has no address, and a proxy may send other text
        return quote((address or "")[:50])
    ip = getattr(ip, "ipv4_mapped", None) or ip  # mapped IPv4 addresses share one IPv6 network
    return str(ipaddress.ip_network((ip, NETWORK), strict=False)) if ip.version == 6 else str(ip)
