"""The sections in the header of every page. Each app lists its own in ``navigation`` of its AppConfig."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.apps import apps
from django.urls import reverse

if TYPE_CHECKING:  # configurations of apps import this module before there are models
    from django.contrib.auth.models import AnonymousUser, User

    Account = User | AnonymousUser


class Paths(NamedTuple):
    """The path of a section's page, and the beginnings of the paths of its other pages."""

    page: str
    prefixes: tuple[str, ...]

    def match(self, path: str) -> int:
        """Return the length of the beginning of *path* by which it belongs to the section, or 0."""
        if path == self.page:
            return len(path)
        return max((len(prefix) for prefix in self.prefixes if path.startswith(prefix)), default=0)


@dataclass(frozen=True)
class Section:
    """A link in the header. *url_name* is its page, and *prefixes* are the beginnings of the paths of its other pages.

    Sections are in the order of *position*. A section appears only if *is_allowed* for the account.
    """

    label: str
    url_name: str
    position: int
    is_allowed: "Callable[[Account], bool]"
    prefixes: Callable[[], Iterable[str]]

    def paths(self) -> Paths:
        """Look up the paths of the section's pages."""
        return Paths(reverse(self.url_name), tuple(self.prefixes()))


def may_use_admin(account: "Account") -> bool:
    """Return whether the account may open the admin."""
    return account.is_active and account.is_staff


def sections() -> Iterator[Section]:
    """Yield the sections of all installed apps, in their order."""
    listed = [section for app in apps.get_app_configs() for section in getattr(app, "navigation", ())]
    yield from sorted(listed, key=lambda section: section.position)
