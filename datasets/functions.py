"""Functions that SQLite lacks and our SQL calls."""

from django.db.backends.signals import connection_created

from datasets.folding import fold_case


def add_functions(connection, **kwargs) -> None:
    """Teach a new SQLite connection what PostgreSQL can do by itself, or by a function of ours."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("unhex_text", 1, _unhex, deterministic=True)
        connection.connection.create_function("fold_case", 1, fold_case, deterministic=True)


def _unhex(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)


connection_created.connect(add_functions, dispatch_uid="datasets.functions")
