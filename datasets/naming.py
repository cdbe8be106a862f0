"""What files are called: as text, by the path that was given, and told apart by as much of it as that takes."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from unicodedata import normalize

from datasets.escaping import escaped
from datasets.models import ImportRun, SourceFile
from datasets.sources import Source

LONGEST = SourceFile._meta.get_field("name").max_length


def as_text(name: str | os.PathLike) -> str:
    """Return the name of a file as text in NFC; control characters and what is not UTF-8 are written as ``\\xe9``."""
    return normalize("NFC", escaped(os.fspath(name)))


def given(path: Path) -> Path:
    """Return the whole path of a file as it was given: links in it stay."""
    return Path(os.path.abspath(path))


def shortest(paths: Iterable[Path]) -> dict[Path, str]:
    """Return for each path as much of its end as tells it from the others."""
    paths = list(dict.fromkeys(paths))
    return dict(zip(paths, _apart([_ends(path.name, path.parent) for path in paths]), strict=True))


def names_of(source: Source, files: Sequence[tuple[Path, str]]) -> list[str]:
    """Return what each of the files, a path and the sha256 of its bytes, is known by from one import to the next.

    That is the source's own name for it. Where several have the same, the folders above tell them apart, but for the
    one whose bytes have been imported under that name. A file that was told apart so once keeps its longer name. Files
    whose rows are known by the name itself are not told apart: under a new one, all rows would be new.
    """
    if not source.key:
        return [as_text(source.known_as(path))[-LONGEST:] for path, _ in files]
    ends = [_ends(source.known_as(path), source.folder_of(path)) for path, _ in files]
    names = _apart(ends)
    landed = SourceFile.objects.filter(source=source.name, run__status=ImportRun.Status.LANDED)
    longer = set(landed.filter(name__contains="/").values_list("name", flat=True).distinct())
    for place, own in enumerate(ends):
        if known := [name for name in own[1:] if name in longer and name not in names]:
            names[place] = known[-1]
    plain: dict[str, list[int]] = {}
    for place, own in enumerate(ends):
        if names[place] != own[0]:
            plain.setdefault(own[0], []).append(place)
    for name, places in plain.items():
        last = landed.filter(name=name).order_by("-pk").first()
        same = [place for place in places if last and files[place][1] == last.sha256]
        if len(same) == 1 and name not in names:
            names[same[0]] = name
    return [name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}" for name in names]


def _ends(name: str, folder: Path) -> list[str]:
    """Return a name by itself, and with one after another of the folders that it is in before it."""
    ends = [as_text(name)]
    for part in reversed([part for part in folder.parts if part not in (folder.anchor, ".")]):
        ends.append(f"{as_text(part)}/{ends[-1]}")
    return ends


def _apart(ends: list[list[str]]) -> list[str]:
    """Return of each list the first that no other list has chosen; the last where it has no more."""
    chosen = [0] * len(ends)
    while True:
        names = [own[place] for own, place in zip(ends, chosen, strict=True)]
        several = {name for name, count in Counter(names).items() if count > 1}
        longer = [i for i, name in enumerate(names) if name in several and chosen[i] + 1 < len(ends[i])]
        if not longer:
            return names
        for i in longer:
            chosen[i] += 1
