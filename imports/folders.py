"""Search folders for files: follow links, read each folder once, and list the paths that were not read."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imports.file_names import given

Entry = tuple[tuple[int, int] | None, str]  # a folder's device and inode, and a name in the folder


@dataclass
class Folders:
    """A search of folders.

    ``unread`` lists each path that was not read, with the reason as a phrase that ends a sentence.
    """

    entered: dict[tuple[int, int], Path] = field(default_factory=dict)  # folders, by device and inode
    unread: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)  # links to folders, which are read last
    second_names: list[Path] = field(default_factory=list)  # paths already read under another name
    excluded: set[tuple[int, int]] = field(default_factory=set)  # folders that are neither read nor listed

    def exclude(self, folder: Path) -> None:
        """Exclude *folder* from the search."""
        if (identity := _identity(folder)) is not None:
            self.excluded.add(identity)

    def files_in(self, folder: Path) -> Iterator[Path]:
        """Yield the files in *folder* and its subfolders by their relative path.

        Hidden files are only listed in ``unread``.
        """
        yield from self._walk(folder)

    def add_second_name(self, path: Path, other: Path) -> None:
        """Record that *path* was already read as *other*."""
        relation = "a link to" if _is_link(path) else "the same as"
        self.second_names.append(given(path))
        self.unread.append((path, f"is {relation} {other}, which was already read"))

    def files_behind_links(self) -> Iterator[tuple[Path, list[Path]]]:
        """Yield the links to folders, each with the files in its target."""
        while self.links:
            link = self.links.pop(0)
            yield link, list(self._walk(link))

    def _walk(self, folder: Path) -> Iterator[Path]:
        waiting = [folder]
        while waiting:
            folder = waiting.pop()
            if not self._enter(folder):
                continue
            try:
                names = sorted(os.listdir(folder))
            except OSError as error:
                self.unread.append((folder, f"cannot be read: {error.strerror}"))
                continue
            for name in names:
                if name.startswith("."):
                    self.unread.append((folder / name, "was skipped because it is hidden"))
                    continue
                kind = self._kind(path := folder / name)
                if kind == "file":
                    yield path
                elif kind == "folder":
                    (self.links if path.is_symlink() else waiting).append(path)

    def _enter(self, folder: Path) -> bool:
        """Return whether to read *folder*: it is not excluded, and has not been read under another path."""
        identity = _identity(folder)
        if identity in self.excluded:
            return False
        entered = self.entered.get(identity) if identity is not None else None
        if entered is not None:
            if given(entered) != given(folder):
                self.add_second_name(folder, entered)
            return False
        if identity is not None:
            self.entered[identity] = folder
        return True

    def _kind(self, path: Path) -> str | None:
        """Return "file" or "folder", or None for a path that cannot be read, which is then listed in ``unread``."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            self.unread.append((path, dangling(path) or f"cannot be read: {error.strerror}"))
            return None
        if stat.S_ISDIR(mode):
            return "folder"
        if not stat.S_ISREG(mode):
            self.unread.append((path, "is neither a file nor a folder"))
        elif not os.access(path, os.R_OK):
            self.unread.append((path, "cannot be read: Permission denied"))
        else:
            return "file"
        return None


def dangling(path: Path) -> str:
    """Return the problem of a broken link, or an empty string for any other path."""
    return f"is a link to {os.readlink(path)}, which does not exist" if path.is_symlink() and not path.exists() else ""


def real_first(paths: Iterable[Path], top: Path) -> list[Path]:
    """Return *paths* with those behind links below *top* last, so the names of real files take precedence."""
    folders = {top: False, Path(top.anchor): False}

    def is_behind_link(path: Path) -> bool:
        if path.parent not in folders:
            folders[path.parent] = is_behind_link(path.parent)
        return folders[path.parent] or path.is_symlink()

    return sorted(paths, key=lambda path: is_behind_link(given(path)))


def read_twice(files: Iterable[tuple[Path, bool]], top: Path) -> dict[Path, Path]:
    """Return the *files* that are a second name for another file, each with that file.

    Each file is given with a flag that shows whether its own name identifies it. If so, a link to another file is a
    second name for it. If the name of its folder identifies a file, a link is treated as a separate file.
    """
    own_name = dict(files)
    known: dict[Entry, Path] = {}
    twice: dict[Path, Path] = {}
    identities: dict[Path, tuple[int, int] | None] = {}

    def entry(path: Path) -> Entry:
        if path.parent not in identities:
            identities[path.parent] = _identity(path.parent)
        return identities[path.parent], path.name

    for path in real_first(own_name, top):
        other = known.get(entry(path))
        if other is None and own_name[path] and path.is_symlink():
            other = known.get(entry(Path(os.path.realpath(path))))
        if other is None:
            known[entry(path)] = path
        else:
            twice[path] = other
    return twice


def _is_link(path: Path) -> bool:
    return any(part.is_symlink() for part in (path, path.parent))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
