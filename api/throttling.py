"""Throttling of requests by token, account or IP address.

Each process counts separately, or all count together in the database (API_RATES_SHARED).
"""

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.db import DatabaseError
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from datasets.http.request_rates import too_early
from datasets.tokens import ApiToken

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView

JITTER = 1e-3  # tolerance for rounding, in seconds
NETWORK = 64  # prefix length of the IPv6 network that is usually assigned to one customer


class _Throttle(SimpleRateThrottle):
    """Applies a rate from ``API_RATES`` (no limit if it is empty) with the generic cell rate algorithm (GCRA).

    It stores only the theoretical arrival time for each client. DRF's own throttle stores the time of each request. A
    client can send the rate's number of requests in a burst, and after that one at a time.
    """

    scope: str
    num_requests: int  # num_requests and duration are the parts of the rate
    duration: int  # seconds
    cache = LocMemCache("throttles", {"OPTIONS": {"MAX_ENTRIES": 5000}})

    def get_rate(self) -> str | None:
        return settings.API_RATES[self.scope] or None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        return self.allow(self.get_cache_key(request, view))

    def allow(self, key: str | None) -> bool:
        """Count a request of the client *key*, and return whether it is within the rate.

        If *key* is None, there is no limit.
        """
        if self.rate is None or key is None:
            return True
        interval, now = self.duration / self.num_requests, self.timer()
        if settings.API_RATES_SHARED:
            with suppress(DatabaseError):  # without the database, each process counts separately
                self.too_early = too_early(f"{self.scope} {key}", interval, self.duration, JITTER)
                return not self.too_early
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
        """Return whether the request's IP address is within its rate, regardless of credentials."""
        return self.allow(self._address_key(request))

    def _address_key(self, request: Request) -> str:
        return f"address-{_network(self.get_ident(request))}"


class TokenThrottle(_Throttle):
    """Throttles requests by token, and requests of browser sessions by account."""

    scope = "token"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}"
        return f"account-{request.user.pk}" if request.user.is_authenticated else None


def _network(address: str | None) -> str:
    """Return the key of an IP address. For IPv6, this is its /64 network."""
    try:
        ip = ipaddress.ip_address((address or "").strip())
    except ValueError:  # a Unix socket has no IP address, and a proxy may send other text
        return quote((address or "")[:50])
    ip = getattr(ip, "ipv4_mapped", None) or ip  # mapped IPv4 addresses would share one IPv6 network
    return str(ipaddress.ip_network((ip, NETWORK), strict=False)) if ip.version == 6 else str(ip)
