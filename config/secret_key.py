"""The secret key of a checkout, for development."""

import os
import secrets

from config.env import VAR


def secret_key_of_this_checkout() -> str:
    """Return the key in var/secret_key, which the first start generates. For DEBUG only."""
    path = VAR / "secret_key"
    if not path.exists():
        VAR.mkdir(exist_ok=True)
        draft = VAR / f"secret_key.{os.getpid()}"
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)  # if several processes start together, all use the first one's key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
