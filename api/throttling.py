"""Throttles: how many requests a token, an account or an address may make, counted by each process for itself."""

import ipaddress
from urllib.parse import quote

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from rest_framework.throttling import SimpleRateThrottle

from datasets.tokens import ApiToken

JITTER = 1e-3  # seconds that sums of floats may be off
NETWORK = 64  # bits that whoever has an IPv6 address has been given as a whole


class _Throttle(SimpleRateThrottle):
    """A rate of ``API_RATES``; none where it is empty. What is known of readers is in this process's memory.

    Of each, that is one number: when all that was asked for will have been earned again. As many requests as the rate
    names may come at once, and then one for each that is earned; a history of them all would have to be read each time.
    """

    cache = LocMemCache("throttles", {"OPTIONS": {"MAX_ENTRIES": 5000}})

    def get_rate(self) -> str | None:
        return settings.API_RATES[self.scope] or None

    def allow_request(self, request, view) -> bool:
        key = None if self.rate is None else self.get_cache_key(request, view)
        if key is None:
            return True
        each, now = self.duration / self.num_requests, self.timer()
        earned = max(self.cache.get(key, now), now)
        self.too_early = earned + each - now - self.duration
        if self.too_early > JITTER:
            return False
        self.cache.set(key, earned + each, self.duration)
        return True

    def wait(self) -> float:
        """Return the seconds after which the next request is earned."""
        return self.too_early


class AddressThrottle(_Throttle):
    """Requests of readers who do not say who they are, by address."""

    scope = "anonymous"

    def get_cache_key(self, request, view) -> str | None:
        if view is not None and request.user.is_authenticated:
            return None
        return f"address-{_network(self.get_ident(request))}"

    def allow_address(self, request) -> bool:
        """Tell whether the request's address may go on, whoever it says it is."""
        return self.allow_request(request, None)


class TokenThrottle(_Throttle):
    """Requests by token; those of a browser that has signed in, by account."""

    scope = "token"

    def get_cache_key(self, request, view) -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}"
        return f"account-{request.user.pk}" if request.user.is_authenticated else None


def _network(address: str | None) -> str:
    """Return what an address is counted as: an IPv6 network as one."""
    try:
        found = ipaddress.ip_address((address or "").strip())
    except ValueError:  # a socket of this machine has none, and a proxy may say more than an address
        return quote((address or "")[:50])
    found = getattr(found, "ipv4_mapped", None) or found  # or all IPv4 addresses would be of one network
    return str(ipaddress.ip_network((found, NETWORK), strict=False)) if found.version == 6 else str(found)
