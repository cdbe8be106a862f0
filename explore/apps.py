"""The app in which analysts view any dataset as a table, plot it as a chart and export it to a file."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.urls import reverse

from datasets.navigation import Section

if TYPE_CHECKING:
    from datasets.navigation import Account


def _may_view_a_table(account: "Account") -> bool:
    from explore.tables import tables_for

    return account.is_active and bool(tables_for(account))


def _pages() -> list[str]:
    return [reverse("explore:start")]


class ExploreConfig(AppConfig):
    name = "explore"
    verbose_name = "Explore"
    navigation = [Section("Explore", "explore:start", 20, _may_view_a_table, _pages)]
