"""The import form of the pages and the API: the dataset, the files and the options."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User

from datasets.registry import dataset_apps
from imports.input_files import is_in_folder
from imports.models import ImportRun
from imports.reasons import ReasonField
from imports.received_files import ReceivedFile
from imports.source_files import FilesError, Upload, find_uploads
from imports.sources import sources_of

OPTIONS = (
    *("dataset", "strict", "delete_missing", "delete_most", "allow_missing_columns", "pairing"),
    *("known_as", "encoding", "reason"),
)
ENCODINGS = (
    *("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "mac-roman", "cp437"),
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
)


class MultipleFileField(forms.FileField):
    """A field for one or more files."""

    class Input(forms.ClearableFileInput):
        allow_multiple_selected = True

    widget = Input

    def clean(self, data: Any, initial: Any = None) -> list[ReceivedFile]:
        files: list[ReceivedFile] = []
        errors: list[str] = []
        for file in data or []:
            try:
                files.append(super().clean(file, initial))
            except forms.ValidationError as error:
                errors += [f"{file.name}: {message}" for message in error.messages]
        if errors:
            raise forms.ValidationError(errors)
        return files or [file for file in [super().clean(None, initial)] if file]


def _datasets() -> list[tuple[str, str]]:
    return [(label, str(app.verbose_name)) for label, app in dataset_apps().items()]


class ImportForm(forms.Form):
    """The files to import, and the options of the import."""

    dataset = forms.ChoiceField(choices=_datasets)
    # The form's attribute of the same name has the files of the request. Fields are not attributes of the form.
    files = MultipleFileField(required=False, help_text="One or more files.")  # type: ignore[assignment]
    configured = forms.BooleanField(
        required=False, label="The site's own files", help_text="Import these instead of uploading files."
    )
    encoding = forms.ChoiceField(
        choices=[(name, name.upper()) for name in ENCODINGS], help_text="Text encoding of the files, usually UTF-8."
    )
    known_as = forms.CharField(
        required=False,
        max_length=255,
        label="New version of",
        help_text="Optional: the earlier file that this one replaces, if its name has changed. For sources that are "
        "named by folder, the name of the folder.",
    )
    strict = forms.BooleanField(required=False, help_text="Stop the import if any row is rejected.")
    delete_missing = forms.BooleanField(
        required=False, label="Delete missing records", help_text="Delete records that are no longer in the file."
    )
    allow_missing_columns = forms.BooleanField(
        required=False,
        label="Allow missing columns",
        help_text="Accept files that lack most columns or required columns. Stored values of these columns stay "
        "unchanged.",
    )
    pairing = forms.ChoiceField(
        required=False,
        label="Edited rows",
        choices=[
            (ImportRun.Pairing.AUTO, "Pair with their records if at least half of the file still matches"),
            (ImportRun.Pairing.ON, "Pair with their records"),
            (ImportRun.Pairing.OFF, "Import as new records"),
        ],
        help_text="For files whose rows have no key: whether an edited row changes its record or becomes a new record.",
    )
    reason = ReasonField(help_text="Optional: why you import the files. The history shows it.")
    # The run's page shows this option after a preview has listed the missing records.
    delete_most = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        files, dataset = cleaned.get("files") or [], cleaned.get("dataset")
        if not files and "files" not in self.errors and not cleaned.get("configured"):
            self.add_error("files", "Choose a file or use the site's own files.")
        if cleaned.get("delete_most") and not cleaned.get("delete_missing"):
            self.add_error("delete_most", "delete_most requires delete_missing, which deletes missing records.")
        if files and cleaned.get("configured"):
            self.add_error("configured", "Choose either files to upload or the site's own files.")
        if cleaned.get("configured") and dataset and not Path(settings.SOURCES_DIR, dataset).is_dir():
            self.add_error("configured", "The site has no files of its own for this dataset.")
        if files and dataset and "encoding" in cleaned:
            try:
                self._check_files(files, dataset, cleaned)
            except FilesError as error:
                self.add_error("files", str(error))
        return cleaned

    def clean_pairing(self) -> str:
        return self.cleaned_data["pairing"] or ImportRun.Pairing.AUTO

    def new_run(self, user: User) -> ImportRun:
        """Return a new, unsaved run with the files and options of the form."""
        options = {name: self.cleaned_data[name] for name in OPTIONS}
        run = ImportRun(**options, uploads=self.uploads, started_by=user)
        run.received = self.cleaned_data["files"]
        return run

    @property
    def uploads(self) -> list[dict[str, Any]]:
        """The files in the format of ``ImportRun.uploads``."""
        return [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in self.cleaned_data["files"]]

    def _check_files(self, files: list[ReceivedFile], dataset: str, cleaned: dict[str, Any]) -> None:
        """Raise FilesError if a file matches no source."""
        matched = find_uploads(
            [Upload(f.name, f.sha256, f.path) for f in files], sources_of(dataset), cleaned["encoding"]
        )
        if cleaned.get("known_as") and len(matched) > 1:
            raise FilesError(f"“New version of” applies to a single file, but {len(matched)} files were given.")
        for file in matched:
            name = file.called.name
            by_folder = any(s.known_as(Path("/a", name)) != s.known_as(Path("/b", name)) for s in file.sources)
            if by_folder and not is_in_folder(file.path, file.called) and not cleaned.get("known_as"):
                raise FilesError(
                    f"{name} is named by its folder, which a browser does not send. Upload the file alone and enter "
                    "the folder's name under “New version of”, or import the whole folder on the command line."
                )
