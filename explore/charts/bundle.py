"""The program that draws charts in a browser: Vega, Vega-Lite and vega-embed, as vl-convert carries them.

It is made once for each release of vl-convert, when it is first asked for: by collectstatic, or under DEBUG by a page.
"""

import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import vl_convert
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from explore.charts.render_client import VERSION, renderer

NAME = "explore/vega.js"


class VegaFinder(BaseFinder):
    """Finds ``explore/vega.js`` among static files, and makes it where it is not there yet."""

    @property
    def storage(self) -> FileSystemStorage:
        return FileSystemStorage(settings.VAR / "made" / f"vl-convert-{version('vl-convert-python')}")

    def find(self, path: str, find_all: bool = False, **kwargs) -> str | list[str]:
        """Return the file's path, or a list of paths with *find_all*.

        The list is empty for another path in both cases, as of Django's finders: ``finders.find`` adds it to others.
        """
        if path != NAME:
            return []
        found = str(self._made())
        return [found] if find_all else found

    def list(self, ignore_patterns) -> Iterator[tuple[str, FileSystemStorage]]:
        self._made()
        yield NAME, self.storage

    def check(self, **kwargs) -> list:
        return []

    def _made(self) -> Path:
        """Return the file; of several processes that make it at once, each puts the same one in its place."""
        path = Path(self.storage.path(NAME))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = renderer.call(vl_convert.javascript_bundle, vl_version=VERSION).encode()
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
                draft.write(made)
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, path)
        return path
