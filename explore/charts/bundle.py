"""The JavaScript that draws charts in a browser: Vega, Vega-Lite and vega-embed, bundled by vl-convert.

The bundle is built once for each release of vl-convert, at its first use: by collectstatic, or by a page under DEBUG.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import vl_convert
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from explore.charts.render_client import VERSION, renderer

NAME = "explore/vega.js"


class VegaFinder(BaseFinder):
    """Static files finder for ``explore/vega.js``, which builds the file if it does not exist."""

    @property
    def storage(self) -> FileSystemStorage:
        return FileSystemStorage(settings.VAR / "made" / f"vl-convert-{version('vl-convert-python')}")

    # Returns an empty list for no file, like Django's own finders; the types in django-stubs differ.
    def find(self, path: str, find_all: bool = False) -> str | list[str]:  # type: ignore[override]  # noqa: FBT001, FBT002
        """Return the file's path, or a list of paths with *find_all*.

        For any other path the result is an empty list in both cases, as in Django's own finders.
        """
        if path != NAME:
            return []
        built = str(self._made())
        return [built] if find_all else built

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        self._made()
        yield NAME, self.storage

    def _made(self) -> Path:
        """Return the file, building it if needed; concurrent processes replace it atomically with the same content."""
        path = Path(self.storage.path(NAME))
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = renderer.call(vl_convert.javascript_bundle, vl_version=VERSION).encode()
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
                draft.write(made)
            os.chmod(draft.name, 0o644)
            os.replace(draft.name, path)
        return path
