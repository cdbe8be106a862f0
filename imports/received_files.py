"""Files that a request uploads."""

from pathlib import Path

from django.core.files.uploadedfile import UploadedFile


class ReceivedFile(UploadedFile[bytes]):
    """An uploaded file in temporary storage."""

    name: str

    def __init__(self, name: str, path: Path, sha256: str, size: int, content_type: str | None):
        super().__init__(None, name, content_type, size)
        self.path, self.sha256 = path, sha256

    def close(self) -> None:
        """Do nothing, because the file is already closed."""
