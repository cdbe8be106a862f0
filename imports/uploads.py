"""What an import is asked for by, in the browser and by programs: the dataset, the files, and how they are read."""

from pathlib import Path

from django import forms
from django.conf import settings

from datasets.registry import dataset_apps
from imports.models import ImportRun
from imports.source_files import FilesError, Upload, find_uploads
from imports.sources import sources_of
from imports.upload_handlers import ReceivedFile

OPTIONS = ("dataset", "strict", "remove_missing", "remove_most", "allow_missing_columns", "known_as", "encoding")
ENCODINGS = (
    *("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "mac-roman", "cp437"),
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
)


class SeveralFiles(forms.FileField):
    """One or several files."""

    class Input(forms.ClearableFileInput):
        allow_multiple_selected = True

    widget = Input

    def clean(self, data, initial=None) -> list[ReceivedFile]:
        files, errors = [], []
        for one in data or []:
            try:
                files.append(super().clean(one, initial))
            except forms.ValidationError as error:
                errors += [f"{one.name}: {message}" for message in error.messages]
        if errors:
            raise forms.ValidationError(errors)
        return files or [one for one in [super().clean(None, initial)] if one]


class ImportForm(forms.Form):
    """What to import, and how."""

    dataset = forms.ChoiceField()
    files = SeveralFiles(required=False, help_text="One or several.")
    samples = forms.BooleanField(
        required=False, label="The sample files", help_text="In place of files of your own: the site's folder of them."
    )
    encoding = forms.ChoiceField(
        choices=[(name, name.upper()) for name in ENCODINGS], help_text="Of the files. Nearly always UTF-8."
    )
    known_as = forms.CharField(
        required=False,
        max_length=255,
        label="Known as",
        help_text="Mostly left empty. For a single file whose own name does not say what it is: the name of the file "
        "that it continues, or of the folder that it lay in. The next import finds its records by this name.",
    )
    strict = forms.BooleanField(required=False, help_text="A single row that cannot be used stops the import.")
    remove_missing = forms.BooleanField(
        required=False, label="Remove missing", help_text="Delete records that their file no longer holds."
    )
    allow_missing_columns = forms.BooleanField(
        required=False,
        label="Allow missing columns",
        help_text="Even where a file lacks most of the columns, or required ones. What is stored of them stays.",
    )
    # A browser is asked when a preview has shown what would go.
    remove_most = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["dataset"].choices = [(label, app.verbose_name) for label, app in dataset_apps().items()]

    def clean(self) -> dict:
        cleaned = super().clean()
        files, dataset = cleaned.get("files") or [], cleaned.get("dataset")
        if not files and "files" not in self.errors and not cleaned.get("samples"):
            self.add_error("files", "Choose a file, or take the sample files.")
        if cleaned.get("remove_most") and not cleaned.get("remove_missing"):
            self.add_error("remove_most", "It goes with remove_missing, which says that missing records are deleted.")
        if files and cleaned.get("samples"):
            self.add_error("samples", "Take either the sample files or files of your own.")
        if cleaned.get("samples") and dataset and not Path(settings.SOURCES_DIR, dataset).is_dir():
            self.add_error("samples", "This dataset has no sample files here.")
        if files and dataset and "encoding" in cleaned:
            try:
                self._look_at(files, dataset, cleaned)
            except FilesError as error:
                self.add_error("files", str(error))
        return cleaned

    def new_run(self, user) -> ImportRun:
        """Return what was asked for as a run that nothing is done with yet."""
        asked = {name: self.cleaned_data[name] for name in OPTIONS}
        run = ImportRun(**asked, uploads=self.uploads, started_by=user)
        run.received = self.cleaned_data["files"]
        return run

    @property
    def uploads(self) -> list[dict]:
        """The files, as a run remembers them."""
        return [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in self.cleaned_data["files"]]

    def _look_at(self, files: list[ReceivedFile], dataset: str, cleaned: dict) -> None:
        """See that each file fits a source; raises FilesError."""
        found = find_uploads(
            [Upload(f.name, f.sha256, f.path) for f in files], sources_of(dataset), cleaned["encoding"]
        )
        if cleaned.get("known_as") and len(found) > 1:
            raise FilesError(f"“Known as” names what one file is known by, but {len(found)} were given.")
        for file in found:
            name = file.called.name
            by_folder = any(s.known_as(Path("/a", name)) != s.known_as(Path("/b", name)) for s in file.sources)
            if by_folder and not cleaned.get("known_as"):
                raise FilesError(
                    f"{name} is known by the folder that it lies in, which a browser does not send. Upload it alone, "
                    "and type the folder's name under “Known as”; or import the whole folder at the command line."
                )
