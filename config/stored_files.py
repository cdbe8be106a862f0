"""Django's storage settings for stored files, from FILES_STORAGE."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env import env


def storage_of(url: str) -> dict[str, Any]:
    """Return the entry of STORAGES for ``s3://BUCKET/PREFIX``, or nothing for an empty URL: files are in MEDIA_ROOT.

    Without keys, boto3 finds the credentials of the host, such as those of a role. Raises ImproperlyConfigured.
    """
    if not url:
        return {}
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.netloc != parts.hostname or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "FILES_STORAGE must be a bucket with an optional prefix. Keys belong in FILES_ACCESS_KEY and "
            "FILES_SECRET_KEY. Type, for example: export FILES_STORAGE=s3://tabularium/files"
        )
    if not find_spec("storages"):
        raise ImproperlyConfigured(
            "FILES_STORAGE is set, but django-storages is not installed. "
            "Type: python3 -m pip install --require-hashes -r requirements-s3.txt"
        )
    options = {
        "access_key": env.str("FILES_ACCESS_KEY", default="").strip() or None,
        "secret_key": env.str("FILES_SECRET_KEY", default="").strip() or None,
        "endpoint_url": env.str("FILES_ENDPOINT", default="").strip() or None,
        "region_name": env.str("FILES_REGION", default="").strip() or None,
    }
    if bool(options["access_key"]) != bool(options["secret_key"]):
        raise ImproperlyConfigured(
            "FILES_ACCESS_KEY and FILES_SECRET_KEY must be set together, or neither of them. "
            "Type, for example: export FILES_SECRET_KEY_FILE=/run/secrets/files_secret_key"
        )
    options |= {"bucket_name": parts.hostname, "location": parts.path.strip("/")}
    return {"imports": {"BACKEND": "imports.s3_files.S3Files", "OPTIONS": options}}
