"""The names of files in imports, which include as few folders as necessary to distinguish the files."""

import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import combining, normalize

from django.db import models

from datasets.fields import field_of
from datasets.sql.chunks import chunks
from datasets.terminal_text import escaped
from datasets.text import clean, visible
from imports.models import ImportRun, SourceFile
from imports.sources import Source

LONGEST = field_of(SourceFile, "name").max_length or sys.maxsize
OF_SEVERAL = re.compile(r"(.+)#([1-9]\d{0,8})")  # the name of the second or a later document of a file


class SameNameError(Exception):
    """Several files have the same name. The message lists them."""


def as_text(name: str | os.PathLike[str]) -> str:
    """Return the name of a file as text in NFC.

    Control characters and bytes that are not UTF-8 are written as ``\\xe9``.
    """
    return normalize("NFC", escaped(os.fspath(name)))


def given(path: Path) -> Path:
    """Return the absolute path of a file, without resolving links."""
    return Path(os.path.abspath(path))


def unambiguous(name: str | os.PathLike[str]) -> str:
    """Return a path with invisible characters replaced with codes, such as ``<U+0020>`` for a trailing space."""
    return "/".join(_written_out(part) for part in os.fspath(name).split("/"))


def shortest(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the shortest distinct suffix of each path."""
    paths = list(dict.fromkeys(paths))
    names = _names([_ends(path.name, path.parent) for path in paths])
    if len(set(map(_key, names))) < len(names):
        names = _names([_ends(path.name, path.parent, unambiguous) for path in paths])
    return dict(zip(paths, names, strict=True))


@dataclass
class _Candidates:
    """The possible names of one file, shortest first. *chosen* is the index of its name in *allowed*."""

    every: list[str]  # including names with folders above the given paths, which earlier imports may have used
    allowed: list[str]
    by_file_name: int  # index of the first name that ends in the file's own name
    is_named_by_folder: bool = False
    chosen: int = 0

    @property
    def name(self) -> str:
        return self.allowed[self.chosen]

    @property
    def is_last(self) -> bool:
        return self.chosen + 1 == len(self.allowed)


def names_of(
    source: Source,
    files: Sequence[tuple[Path, str]],
    top: Path | None = None,
    documents: Callable[[int], int] = lambda index: 1,
) -> list[str]:
    """Return the name by which imports recognize each file, which is given as a path and a SHA-256.

    The default is the source's name for the file. If a folder and a file have the same name, the extension is added to
    the file's name. If files still have the same name, their names are distinguished by the folders above them, up to
    *top*, and then by their file names. The file whose bytes were imported under the shorter name keeps that name. A
    file that has once been given a longer name keeps the longer name.

    Files of sources without a key are not distinguished, because all rows would be new under a new name. *documents*
    returns the number of documents in a file. Raises SameNameError for paths that are equal as text.
    """
    if not source.key:
        return [as_text(source.known_as(path))[-LONGEST:] for path, _ in files]
    candidates = [_candidates(source, path, top) for path, _ in files]
    by_folder = {_key(file.name) for file in candidates if file.is_named_by_folder}
    for file in candidates:
        if not file.is_named_by_folder and _key(file.name) in by_folder and file.by_file_name < len(file.allowed):
            file.chosen = file.by_file_name
    _make_distinct(candidates)
    moved = _avoid_document_names(candidates, documents)
    names = [file.name for file in candidates]
    applied = SourceFile.objects.filter(source=source.name, run__status=ImportRun.Status.APPLIED)
    longer = _longer_names(applied, [file for file in candidates if not file.is_named_by_folder])
    taken = set(map(_key, names))
    for index, file in enumerate(candidates):
        if known := [name for name in file.every[1:] if name in longer and _key(name) not in taken]:
            names[index] = known[-1]
            taken.add(_key(known[-1]))
    shortened: dict[str, list[int]] = {}
    for index, file in enumerate(candidates):
        if names[index] != file.every[0] and index not in moved:
            shortened.setdefault(file.every[0], []).append(index)
    for name, indexes in shortened.items():
        last = applied.filter(name=name).order_by("-pk").first()
        same = [index for index in indexes if last and files[index][1] == last.sha256]
        if len(same) == 1 and _key(name) not in set(map(_key, names)):
            names[same[0]] = name
    _refuse_same(names, files, top)
    return names


def _candidates(source: Source, path: Path, top: Path | None) -> _Candidates:
    known, folder = source.known_as(path), source.folder_of(path)
    named_by_folder = folder != path.parent
    short, long = _ends(known, folder), _ends(f"{known}/{path.name}" if named_by_folder else path.name, folder)
    most = 1 + len(folder.relative_to(top).parts) if top and folder.is_relative_to(top) else 1 if top else len(short)
    if long == short:
        long = []
    every, allowed = ([_within(name) for name in names] for names in (short + long, short[:most] + long[:most]))
    return _Candidates(every, allowed, len(short[:most]), named_by_folder)


def _within(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"


def _longer_names(applied: models.QuerySet[SourceFile], files: list[_Candidates]) -> set[str]:
    """Return the longer names with which earlier imports distinguished files, including those ending in a file name."""
    longer = set(applied.filter(name__contains="/").values_list("name", flat=True).distinct())
    names = [file.allowed[file.by_file_name] for file in files if file.by_file_name < len(file.allowed)]
    for chunk in chunks(names):
        longer.update(applied.filter(name__in=chunk).values_list("name", flat=True))
    return longer


def _make_distinct(files: list[_Candidates]) -> None:
    """Choose for each file the first name that no other file has, or the last name if there is none."""
    while True:
        by_name = defaultdict(list)
        for file in files:
            by_name[_key(file.name)].append(file)
        longer: list[_Candidates] = []
        for equal in (equal for equal in by_name.values() if len(equal) > 1):
            extensible = [file for file in equal if not file.is_last]
            # A file whose name cannot be extended with more folders keeps its name if the other names can be extended.
            longer += [file for file in extensible if file.chosen + 1 != file.by_file_name] or extensible
        if not longer:
            return
        for file in longer:
            file.chosen += 1


def _avoid_document_names(files: list[_Candidates], documents: Callable[[int], int]) -> set[int]:
    """Choose longer names for files that are named like a document of another file. Return their indexes."""
    moved: set[int] = set()
    while True:
        indexes = {_key(file.name): index for index, file in enumerate(files)}
        clashing: dict[int, str] = {}  # the name of the other file, by the index of a file
        for index, file in enumerate(files):
            match = OF_SEVERAL.fullmatch(file.name)
            other = indexes.get(_key(match[1])) if match else None
            if match and other is not None and 1 < int(match[2]) <= documents(other):
                clashing[index] = match[1]
        if not clashing:
            return moved
        for index, other_name in clashing.items():
            if files[index].is_last:
                raise SameNameError(
                    f"{files[index].name} is also the name of a document in {other_name}, which contains several "
                    "documents. Import the files one by one, and set “new version of” to a different name for one of "
                    "them."
                )
            files[index].chosen += 1
        moved.update(clashing)
        _make_distinct(files)


def _refuse_same(names: list[str], files: Sequence[tuple[Path, str]], top: Path | None) -> None:
    by_name = defaultdict(set)
    for name, file in zip(names, files, strict=True):
        by_name[_key(name)].add(file)
    for name, equal in by_name.items():
        if len(equal) > 1:
            paths = sorted(unambiguous(os.path.relpath(path, top) if top else path) for path, _ in equal)
            why = "their file names are the same"
            if len(set(paths)) > 1:
                why = "spaces at the end of a name and different encodings of an accent do not count as a difference"
            raise SameNameError(
                f"{_listed(paths)} have the same name, {name}: {why}. Rename all but one of them, or import them one "
                "by one and set “new version of” to a different name for all but one."
            )


def _listed(paths: list[str], most: int = 5) -> str:
    more = [f"{len(paths) - most:,} more"] if len(paths) > most else []
    return " and ".join(paths[:most] + more)


def _key(name: str) -> str:
    """Return a name in the normal form in which stored text is compared."""
    return "/".join(clean(part) for part in name.split("/"))


def _written_out(part: str) -> str:
    inner = part.strip()
    start = part.index(inner) if inner else len(part)
    blank = [index for index in range(len(part)) if not start <= index < start + len(inner)]
    odd = normalize("NFC", part) != part
    return "".join(
        f"<U+{ord(c):04X}>"
        if (index in blank and c == " ")
        or (odd and (combining(c) or normalize("NFC", c) != c or "\u1160" <= c <= "\u11ff"))
        else escaped(visible(c))
        for index, c in enumerate(part)
    )


def _ends(name: str, folder: Path, written: Callable[[str], str] = as_text) -> list[str]:
    """Return a name without folders, and then with each additional folder of its path."""
    ends = [written(name)]
    for part in reversed([part for part in folder.parts if part not in (folder.anchor, ".")]):
        ends.append(f"{written(part)}/{ends[-1]}")
    return ends


def _names(ends: list[list[str]]) -> list[str]:
    """Return for each list the first string that no other list has chosen, or its last string if there is none."""
    candidates = [_Candidates(names, names, len(names)) for names in ends]
    _make_distinct(candidates)
    return [candidate.name for candidate in candidates]
