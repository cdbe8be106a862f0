"""What files are called: as text, by the path that was given, and told apart by as much of it as that takes."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import combining, normalize

from datasets.sql.chunks import chunks
from datasets.terminal_text import escaped
from datasets.text import clean, visible
from imports.models import ImportRun, SourceFile
from imports.sources import Source

LONGEST = SourceFile._meta.get_field("name").max_length
OF_SEVERAL = re.compile(r"(.+)#([1-9]\d{0,8})")  # what a document behind the first of its file is known by


class SameNameError(Exception):
    """Files that no name tells apart: a sentence that names them."""


def as_text(name: str | os.PathLike) -> str:
    """Return the name of a file as text in NFC; control characters and what is not UTF-8 are written as ``\\xe9``."""
    return normalize("NFC", escaped(os.fspath(name)))


def given(path: Path) -> Path:
    """Return the whole path of a file as it was given: links in it stay."""
    return Path(os.path.abspath(path))


def unambiguous(name: str | os.PathLike) -> str:
    """Return a path with what nobody sees written out, such as ``<U+0020>`` at an end, or ``<U+0301>`` of an accent."""
    return "/".join(_written_out(part) for part in os.fspath(name).split("/"))


def shortest(paths: Iterable[Path]) -> dict[Path, str]:
    """Return for each path as much of its end as tells it from the others."""
    paths = list(dict.fromkeys(paths))
    names = _names([_ends(path.name, path.parent) for path in paths])
    if len(set(map(_key, names))) < len(names):
        names = _names([_ends(path.name, path.parent, unambiguous) for path in paths])
    return dict(zip(paths, names, strict=True))


@dataclass
class _Candidates:
    """What one file may be known by, the shortest first; *chosen* is the place of its name among the *allowed*."""

    every: list[str]  # also by folders above what was given, by which earlier imports may know it
    allowed: list[str]
    by_file_name: int  # the place of the first one that ends in the name of the file
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
    documents: Callable[[int], int] = lambda place: 1,
) -> list[str]:
    """Return what each of the files, a path and the sha256 of its bytes, is known by from one import to the next.

    That is the source's own name for it. Where a folder and a file have the same, the file's has its ending. Where
    several still have the same, the folders above tell them apart, up to *top*, and then the names of the files; but
    for the one whose bytes have been imported under that name. A file that was told apart so once keeps its longer
    name. Files whose rows are known by the name itself are not told apart: under a new one, all rows would be new.
    *documents* says how many documents a file holds. Raises SameNameError where the paths are one as texts.
    """
    if not source.key:
        return [as_text(source.known_as(path))[-LONGEST:] for path, _ in files]
    found = [_candidates(source, path, top) for path, _ in files]
    by_folder = {_key(one.name) for one in found if one.is_named_by_folder}
    for one in found:
        if not one.is_named_by_folder and _key(one.name) in by_folder and one.by_file_name < len(one.allowed):
            one.chosen = one.by_file_name
    _tell_apart(found)
    moved = _tell_from_documents(found, documents)
    names = [one.name for one in found]
    applied = SourceFile.objects.filter(source=source.name, run__status=ImportRun.Status.APPLIED)
    longer = _longer_names(applied, [one for one in found if not one.is_named_by_folder])
    taken = set(map(_key, names))
    for place, one in enumerate(found):
        if known := [name for name in one.every[1:] if name in longer and _key(name) not in taken]:
            names[place] = known[-1]
            taken.add(_key(known[-1]))
    plain: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        if names[place] != one.every[0] and place not in moved:
            plain.setdefault(one.every[0], []).append(place)
    for name, places in plain.items():
        last = applied.filter(name=name).order_by("-pk").first()
        same = [place for place in places if last and files[place][1] == last.sha256]
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


def _longer_names(applied, files: list[_Candidates]) -> set[str]:
    """Return the names under which files were told apart from others, also those that end in a file's name."""
    longer = set(applied.filter(name__contains="/").values_list("name", flat=True).distinct())
    names = [one.allowed[one.by_file_name] for one in files if one.by_file_name < len(one.allowed)]
    for some in chunks(names):
        longer.update(applied.filter(name__in=some).values_list("name", flat=True))
    return longer


def _tell_apart(found: list[_Candidates]) -> None:
    """Give each the first name that no other has; the last where there is none."""
    while True:
        having = defaultdict(list)
        for one in found:
            having[_key(one.name)].append(one)
        longer: list[_Candidates] = []
        for several in (several for several in having.values() if len(several) > 1):
            able = [one for one in several if not one.is_last]
            # One that has no more folders before its name keeps it, where the others have.
            longer += [one for one in able if one.chosen + 1 != one.by_file_name] or able
        if not longer:
            return
        for one in longer:
            one.chosen += 1


def _tell_from_documents(found: list[_Candidates], documents: Callable[[int], int]) -> set[int]:
    """Give a longer name to a file that is called like one of several documents of another; return their places."""
    moved: set[int] = set()
    while True:
        places = {_key(one.name): place for place, one in enumerate(found)}
        clashing = []
        for place, one in enumerate(found):
            match = OF_SEVERAL.fullmatch(one.name)
            other = places.get(_key(match[1])) if match else None
            if other is not None and 1 < int(match[2]) <= documents(other):
                clashing.append(place)
        if not clashing:
            return moved
        for place in clashing:
            if found[place].is_last:
                raise SameNameError(
                    f"{found[place].name} is also what a document of {OF_SEVERAL.fullmatch(found[place].name)[1]}, "
                    "which holds several, is known by. Import them one after the other, and say of one what it is "
                    "known as: a name of its own."
                )
            found[place].chosen += 1
        moved.update(clashing)
        _tell_apart(found)


def _refuse_same(names: list[str], files: Sequence[tuple[Path, str]], top: Path | None) -> None:
    having = defaultdict(set)
    for name, file in zip(names, files, strict=True):
        having[_key(name)].add(file)
    for name, several in having.items():
        if len(several) > 1:
            paths = sorted(unambiguous(os.path.relpath(path, top) if top else path) for path, _ in several)
            why = "the names of their files do not tell them apart"
            if len(set(paths)) > 1:
                why = "spaces at the end of a name, and accents typed in two ways, do not tell them apart"
            raise SameNameError(
                f"{_listed(paths)} would have one name, {name}: {why}. Rename all but one of them, or import them one "
                "after the other, and say of all but one what it is known as: a name of its own."
            )


def _listed(paths: list[str], most: int = 5) -> str:
    more = [f"{len(paths) - most:,} more"] if len(paths) > most else []
    return " and ".join(paths[:most] + more)


def _key(name: str) -> str:
    """Return a name as texts are compared that are stored."""
    return "/".join(clean(part) for part in name.split("/"))


def _written_out(part: str) -> str:
    inner = part.strip()
    start = part.index(inner) if inner else len(part)
    blank = [place for place in range(len(part)) if not start <= place < start + len(inner)]
    odd = normalize("NFC", part) != part
    return "".join(
        f"<U+{ord(c):04X}>"
        if (place in blank and c == " ")
        or (odd and (combining(c) or normalize("NFC", c) != c or "\u1160" <= c <= "\u11ff"))
        else escaped(visible(c))
        for place, c in enumerate(part)
    )


def _ends(name: str, folder: Path, written: Callable[[str], str] = as_text) -> list[str]:
    """Return a name by itself, and with one after another of the folders that it is in before it."""
    ends = [written(name)]
    for part in reversed([part for part in folder.parts if part not in (folder.anchor, ".")]):
        ends.append(f"{written(part)}/{ends[-1]}")
    return ends


def _names(ends: list[list[str]]) -> list[str]:
    """Return of each list the first that no other list has chosen; the last where it has no more."""
    found = [_Candidates(own, own, len(own)) for own in ends]
    _tell_apart(found)
    return [one.name for one in found]
