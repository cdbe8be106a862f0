"""The import form of the pages, which keeps the files of a form with errors, and offers those of an earlier run.

The browser empties the field for files whenever a page is loaded. The form therefore lists the files that the server
has already received, and a key for each: its SHA-256, its run if a run stores it, and its name.
"""

import re
from copy import deepcopy
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDict

from imports.file_storage import kept_at, size_of
from imports.models import ImportRun
from imports.received_files import ReceivedFile
from imports.upload_storage import keep_for_form, kept_for_form
from imports.uploads import OPTIONS, ImportForm

KEY = re.compile(r"(?P<sha256>[0-9a-f]{64}):(?P<run>[0-9]{0,18}):(?P<name>[^\x00-\x1f]{1,255})")
MOST = 1000  # files of a form
FIRST = ("dataset", "stored", "files", "configured")
DEFAULTS = ("utf-8", ImportRun.Pairing.AUTO)  # of options


class StoredFile(ReceivedFile):
    """A file that an earlier request has uploaded. *run* is the run that stores it, if there is one."""

    run: ImportRun | None = None

    @property
    def key(self) -> str:
        return f"{self.sha256}:{self.run.pk if self.run else ''}:{self.name}"


class StoredFilesField(forms.Field):
    """A checkbox for each file that the server has already received."""

    widget = forms.CheckboxSelectMultiple


class StoredImportForm(ImportForm):
    """An import form that lists the files that the server has already received, below the field for new files."""

    stored = StoredFilesField(
        required=False,
        label="Uploaded files",
        help_text="These files need no second upload. Clear a file to leave it out.",
    )

    def __init__(self, *args: Any, user: User, **options: Any):
        super().__init__(*args, **options)
        self.user = user
        self.fields["files"].widget.attrs["data-limit"] = str(settings.UPLOAD_LIMIT)
        if not self.is_bound:
            self._list([])

    def first_fields(self) -> list[forms.BoundField]:
        """Return the fields that most imports need."""
        return [self[name] for name in FIRST if name in self.fields]

    def option_fields(self) -> list[forms.BoundField]:
        """Return the other fields, which the page shows folded."""
        return [field for field in self.visible_fields() if field.name not in FIRST]

    def has_options(self) -> bool:
        """Return whether an option has an error or is not at its default."""
        fields = self.option_fields()
        return any(field.errors or field.value() not in (None, "", False, *DEFAULTS) for field in fields)

    def of_run(self, run: ImportRun, sha256: str = "") -> None:
        """Start with the options and the files of *run*, or with one of its files."""
        options: dict[str, Any] = {name: getattr(run, name) for name in OPTIONS}
        chosen = [upload for upload in run.uploads if sha256 in ("", upload["sha256"])]
        found = [_found(self.user, upload["sha256"], str(run.pk), upload["name"]) for upload in chosen]
        files = [file for file in found if file]
        options["configured"] = not run.uploads
        self.initial = {**options, **self.initial, "stored": [file.key for file in files]}
        self._list(files)

    def start_with(self, new: list[ReceivedFile], dataset: str) -> None:
        """Start with *new* files, which are kept, and with their *dataset*, or "" for the user to choose it."""
        files = self._kept(new, [])
        self.initial = {"dataset": dataset, "stored": [file.key for file in files]}
        if not dataset:
            choices = self.fields["dataset"].choices  # type: ignore[attr-defined]  # it is a ChoiceField
            self.fields["dataset"].choices = [("", "Choose a dataset"), *choices]  # type: ignore[attr-defined]
        self._list(files)

    def clean_stored(self) -> list[StoredFile]:
        files, lost = list[StoredFile](), list[str]()
        for key in (self.cleaned_data["stored"] or [])[:MOST]:
            match = KEY.fullmatch(key)
            if match and (file := _found(self.user, **match.groupdict())):
                files.append(file)
            else:
                lost.append(match["name"] if match else key[:100])
        if lost:  # an error of "stored" would be hidden together with its field
            self.add_error("files", f"The server no longer has {', '.join(lost)}. Choose these files again.")
        return files

    def clean(self) -> dict[str, Any]:
        dataset = self.cleaned_data.get("dataset")
        for file in self.cleaned_data.get("stored", []):
            # The permission to see a dataset's personal data does not extend to the files of other datasets.
            if dataset and file.run and dataset != file.run.dataset and file.run.started_by_id != self.user.pk:
                self.add_error(
                    "dataset",
                    f"{file.name} was uploaded to {file.run.dataset} by another user. Choose {file.run.dataset}, or"
                    " clear the file and upload it again.",
                )
        if "files" in self.cleaned_data:
            self.cleaned_data["files"] = [*self.cleaned_data["files"], *self.cleaned_data.get("stored", [])]
        return super().clean()

    def keep_files(self, posted: QueryDict, received: MultiValueDict[str, Any]) -> None:
        """Keep the *received* files of this form, which has errors, and list them in it."""
        files = self._kept(received_files(received), self.cleaned_data.get("stored", []))
        self.data = data = posted.copy()
        data.setlist("stored", [file.key for file in files])
        self._list(files)

    def _kept(self, new: list[ReceivedFile], stored: list[StoredFile]) -> list[StoredFile]:
        """Keep *new* files, and return them and the *stored* ones."""
        keep_for_form(self.user, [*new, *(file for file in stored if file.run is None)])
        found = [*(_found(self.user, file.sha256, "", file.name) for file in new), *stored]
        return list({file.key: file for file in found if file}.values())

    def _list(self, files: list[StoredFile]) -> None:
        """List *files* in the form; without files, the form has no such field."""
        field = self.fields.pop("stored", None) or deepcopy(self.base_fields["stored"])
        choices = [(file.key, f"{file.name} ({filesizeformat(file.size or 0)})") for file in files]
        field.widget = forms.CheckboxSelectMultiple(choices=choices)
        if files:
            self.fields["stored"] = field


def received_files(received: MultiValueDict[str, Any]) -> list[ReceivedFile]:
    """Return the files of a request that are not empty."""
    return [file for file in received.getlist("files") if isinstance(file, ReceivedFile) and file.size]


def _found(user: User, sha256: str, run: str, name: str) -> StoredFile | None:
    """Return a file that an earlier form of *user* has uploaded, or that a run stores; None if it no longer exists."""
    of = None
    if run:
        of = ImportRun.objects.exclude(status=ImportRun.Status.DISCARDED).filter(pk=run).first()
        if of is None or {"name": name, "sha256": sha256} not in [
            {key: upload[key] for key in ("name", "sha256")} for upload in of.uploads
        ]:
            return None
    path = kept_at(sha256) if of else kept_for_form(user, sha256)
    try:
        size = size_of(path.name)
    except FileNotFoundError:
        return None
    file = StoredFile(name, path, sha256, size, None)
    file.run = of
    return file
