"""The files in folders: links are followed and each folder is entered once; what is not read is told."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imports.file_names import given


@dataclass
class Folders:
    """What is found in folders. ``unread`` has each path that was not read, and why not, as the end of a sentence."""

    entered: dict[tuple[int, int], Path] = field(default_factory=dict)  # folders, by device and inode
    unread: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)  # to folders, which are entered last: a real folder's name counts
    again: list[Path] = field(default_factory=list)  # what was read already, under another name
    silent: set[tuple[int, int]] = field(default_factory=set)  # folders that are never entered and never listed

    def pass_over(self, folder: Path) -> None:
        """Enter *folder* never."""
        if (identity := _identity(folder)) is not None:
            self.silent.add(identity)

    def files_in(self, folder: Path) -> Iterator[Path]:
        """Yield the files below *folder*, each by its path there; what begins with a dot is only listed."""
        yield from self._walk(folder)

    def tell_again(self, path: Path, other: Path) -> None:
        """List *path*, which was read already as *other*."""
        what = "a link to" if _is_link(path) else "the same as"
        self.again.append(given(path))
        self.unread.append((path, f"is {what} {other}, which was read already"))

    def files_behind_links(self) -> Iterator[tuple[Path, list[Path]]]:
        """Yield the links to folders that were met on the way, each with the files below it."""
        while self.links:
            link = self.links.pop(0)
            yield link, list(self._walk(link))

    def _walk(self, folder: Path) -> Iterator[Path]:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            if (identity := _identity(here)) is not None:
                if identity in self.silent:
                    continue
                if (entered := self.entered.get(identity)) is not None:
                    if given(entered) != given(here):
                        self.tell_again(here, entered)
                    continue
                self.entered[identity] = here
            try:
                names = sorted(os.listdir(here))
            except OSError as error:
                self.unread.append((here, f"cannot be read: {error.strerror}"))
                continue
            for name in names:
                if name.startswith("."):
                    self.unread.append((here / name, "is hidden and was passed over"))
                    continue
                kind = self._kind(path := here / name)
                if kind == "file":
                    yield path
                elif kind == "folder":
                    (self.links if path.is_symlink() else waiting).append(path)

    def _kind(self, path: Path) -> str | None:
        """Return whether a path is a file or a folder; None for what cannot be read, which is told."""
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
    """Return what is said of a link that leads nowhere; nothing for anything else."""
    return f"is a link to {os.readlink(path)}, which is not there" if path.is_symlink() and not path.exists() else ""


def real_first(paths: Iterable[Path], top: Path) -> list[Path]:
    """Return *paths* with those behind that a link below *top* leads to: the name of a real folder or file counts."""
    folders = {top: False, Path(top.anchor): False}

    def is_behind_link(path: Path) -> bool:
        if path.parent not in folders:
            folders[path.parent] = is_behind_link(path.parent)
        return folders[path.parent] or path.is_symlink()

    return sorted(paths, key=lambda path: is_behind_link(given(path)))


def read_twice(files: Iterable[tuple[Path, bool]], top: Path) -> dict[Path, Path]:
    """Return the files that are another of the *files* under a second name, each with that one.

    A file comes with whether it is known by its own name: then a link to another file is a second name of that. A link
    in a folder by which it is known is a file of its own, as the store that it leads to has no name to give.
    """
    own_name, known, twice = dict(files), {}, {}
    identities: dict[Path, tuple[int, int] | None] = {}

    def entry(path: Path) -> tuple:
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
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
