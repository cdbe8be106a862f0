"""The files in folders: links are followed and each folder is entered once; what is not read is told."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Folders:
    """What is found in folders. ``unread`` has each path that was not read, and why not, as the end of a sentence."""

    entered: dict[tuple[int, int], Path] = field(default_factory=dict)  # folders, by device and inode
    unread: list[tuple[Path, str]] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)  # to folders, which are entered last: a real folder's name counts

    def pass_over(self, folder: Path) -> None:
        """Enter *folder* never."""
        if (identity := _identity(folder)) is not None:
            self.entered[identity] = folder

    def files_in(self, folder: Path) -> Iterator[Path]:
        """Yield the files below *folder*, each by its path there; what begins with a dot is passed over."""
        yield from self._walk(folder)

    def files_behind_links(self) -> Iterator[tuple[Path, list[Path]]]:
        """Yield the links to folders that were met on the way, each with the files below it."""
        while self.links:
            link = self.links.pop(0)
            if (entered := self.entered.get(_identity(link))) is not None:
                self.unread.append((link, f"is a link to {entered}, which was read already"))
            else:
                yield link, list(self._walk(link))

    def _walk(self, folder: Path) -> Iterator[Path]:
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            if (identity := _identity(here)) is not None:
                if identity in self.entered:
                    continue
                self.entered[identity] = here
            try:
                names = sorted(os.listdir(here))
            except OSError as error:
                self.unread.append((here, f"cannot be read: {error.strerror}"))
                continue
            for name in names:
                if name.startswith("."):
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


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
