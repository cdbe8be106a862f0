"""Copy the stored files of MEDIA_ROOT to the bucket of FILES_STORAGE, when a site moves from one host to several."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from datasets.command_errors import TerminalCommand
from imports.file_storage import FOLDERS, SHA256, bucket, store_folder
from imports.stored_entry import StorageError


class Command(TerminalCommand):
    help = f"{__doc__} Files that are already in the bucket are skipped. Nothing is deleted from MEDIA_ROOT."

    def handle(self, **options: Any) -> None:
        files, source = bucket(), Path(settings.MEDIA_ROOT, "imports")
        if files is None:
            raise CommandError(
                "FILES_STORAGE is not set. Type, for example: export FILES_STORAGE=s3://tabularium/files"
            )
        if not source.is_dir():
            raise CommandError(f"{source} is not a folder. Expected the folder with the files of imports.")
        try:
            sizes = {entry.name: entry.size for prefix in ("", f"{FOLDERS}/") for entry in files.entries(prefix)}
            found = [path for path in sorted(source.iterdir()) if SHA256.fullmatch(path.name)]
            missing = [path for path in found if sizes.get(path.name) != path.stat().st_size]
            for path in missing:
                files.upload(path, path.name)
            lists = [path for path in sorted(source.glob(f"{FOLDERS}/*")) if f"{FOLDERS}/{path.name}.tar" not in sizes]
            for path in lists:
                store_folder(path)
        except StorageError as error:
            raise CommandError(f"{error.strerror}.") from None
        self.stdout.write(
            f"Uploaded {len(missing):,} of {len(found):,} files and the lists of changes of {len(lists):,} runs."
        )
