"""Redo an undone import: apply it again, with the same keys, values, origins and references."""

from curation.management.commands import undo_import
from imports.models import ImportRun


class Command(undo_import.Command):
    help = __doc__
    verb, participle, gerund, status = "redo", "redone", "redoing", ImportRun.Status.UNDONE
