"""Search of folders for files: follows links, enters each folder once, and lists the paths that it does not read."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imports.file_names import given

Entry = tuple[tuple[int, int] | None, str]  # the identity of a folder, and a name in it


@dataclass
class Folders:
    """A search of folders. ``unread`` lists each path that was not read, with the reason as the end of a sentence."""

    entered: dict[tuple[int, int], Path] = field(default_factory=dict)  # folders, by device and inode
    unread: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)  # links to folders, entered last, so that a real folder's name wins
    second_names: list[Path] = field(default_factory=list)  # paths already read under another name
    excluded: set[tuple[int, int]] = field(default_factory=set)  # folders that are never entered and never listed

    def exclude(self, folder: Path) -> None:
        """Never enter *folder*."""
        if (identity := _identity(folder)) is not None:
            self.excluded.add(identity)

    def files_in(self, folder: Path) -> Iterator[Path]:
        """Yield the files below *folder* by their path in it; hidden files are only listed in ``unread``."""
        yield from self._walk(folder)

    def add_second_name(self, path: Path, other: Path) -> None:
        """Note that *path* was already read as *other*."""
        relation = "a link to" if _is_link(path) else "the same as"
        self.second_names.append(given(path))
        self.unread.append((path, f"is {relation} {other}, which was already read"))

    def files_behind_links(self) -> Iterator[tuple[Path, list[Path]]]:
        """Yield the links to folders, each with the files below it."""
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
        """Return whether to read *folder*: it is not excluded, and was not read yet by another path."""
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
        """Return "file" or "folder"; None for a path that cannot be read, which is listed in ``unread``."""
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
    """Return *paths*, those behind links below *top* last, so that the name of a real file or folder wins."""
    folders = {top: False, Path(top.anchor): False}

    def is_behind_link(path: Path) -> bool:
        if path.parent not in folders:
            folders[path.parent] = is_behind_link(path.parent)
        return folders[path.parent] or path.is_symlink()

    return sorted(paths, key=lambda path: is_behind_link(given(path)))


def read_twice(files: Iterable[tuple[Path, bool]], top: Path) -> dict[Path, Path]:
    """Return the *files* that are a second name of another of them, each with the other.

    Each file comes with a flag: whether its own name identifies it. If so, a link to another file is a second name of
    it. If the folder gives the name, a link is a file of its own, because its target has a meaningless name.
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
