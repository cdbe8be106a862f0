"""The worker's jobs for the copy: they copy the datasets that are due, and delete replaced files."""

import logging

from django.db import DatabaseError

from analytics.state import due, states
from analytics.storage import storage
from analytics.writer import CopyChangedError, copy, lock_of, sweep
from imports.engine.locks import process_lock
from imports.upkeep import RETRY, Upkeep

SWEEP = 10 * 60  # seconds between two deletions
logger = logging.getLogger(__name__)


def copy_tables() -> bool:
    """Copy the datasets that are due. Log each failure, and return whether there was none."""
    failed = False
    for dataset in due():
        try:
            if copied := copy(dataset):
                logger.info("%s", copied)
        except CopyChangedError as error:
            failed = True
            logger.info("%s Trying again in %d seconds.", error, RETRY)
        except (OSError, DatabaseError) as error:
            failed = True
            logger.error("%s could not be copied: %s. Trying again in %d seconds.", dataset, error, RETRY)
    return not failed


def delete_replaced() -> bool:
    """Delete the files of earlier copies whose time is over."""
    for state in states():
        with process_lock(lock_of(state.dataset)) as is_held:
            if is_held:
                sweep(state.dataset, storage())
    return True


def copying() -> Upkeep:
    """Return the job that copies tables."""
    return Upkeep(copy_tables, due)


def sweeping() -> Upkeep:
    """Return the job that deletes files."""
    return Upkeep(delete_replaced, rest=SWEEP)
