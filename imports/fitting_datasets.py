"""Find the dataset to which files belong, by their columns or else by their names."""

from collections.abc import Sequence

from datasets.registry import dataset_apps
from datasets.text import visible
from imports.readers import ReadError, matches
from imports.received_files import ReceivedFile
from imports.source_files import FilesError, Upload, find_uploads
from imports.sources import CSVSource, sources_of

ASK = "Choose the dataset."


class NoSingleDatasetError(Exception):
    """Files that fit no dataset together, or several. The message says which, and what to choose."""


def dataset_of(files: Sequence[ReceivedFile]) -> str:
    """Return the label of the dataset that reads all *files*, in UTF-8. Raises NoSingleDatasetError."""
    fitting = [_datasets_of(file) for file in files]
    pairs = [(visible(file.name), found) for file, found in zip(files, fitting, strict=True)]
    for name, found in pairs:
        if not found:
            raise NoSingleDatasetError(f"{name} has neither the columns nor the name of a dataset's file. {ASK}")
    shared = set.intersection(*fitting)
    if not shared:
        named = "; ".join(f"{name}: {_names(found)}" for name, found in pairs)
        raise NoSingleDatasetError(f"The files belong to different datasets ({named}). Clear the files of the others.")
    if len(shared) > 1:
        raise NoSingleDatasetError(f"The files fit several datasets: {_names(shared)}. {ASK}")
    return shared.pop()


def _datasets_of(file: ReceivedFile) -> set[str]:
    """Return the datasets of which *file* has the columns, or else those that read it by its name."""
    by_columns, by_name = set(), set()
    for dataset in dataset_apps():
        sources = sources_of(dataset)
        try:
            found = find_uploads([Upload(file.name, file.sha256, file.path)], sources)
            tables = [source.expected for source in sources if isinstance(source, CSVSource)]
            if any(matches(each.path, expected) for each in found for expected in tables):
                by_columns.add(dataset)
            by_name.add(dataset)
        except (FilesError, ReadError):
            continue
    return by_columns or by_name


def _names(datasets: set[str]) -> str:
    return " or ".join(sorted(str(dataset_apps()[dataset].verbose_name) for dataset in datasets))
