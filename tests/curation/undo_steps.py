"""Imports of people and places, and edits, for the tests of undo and redo."""

from curation.history import edits
from imports.models import ImportRun

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBo,Oak,1901-02-03,Derry\n"


def last_run():
    return ImportRun.objects.first()


def run_that_changes(importing, write):
    importing("people", write("places.csv", PLACES.replace("Derry,Derry", "Derry,Doire")))
    return last_run()


def cancelling_edits(records, name, value):
    """Change records in pairs of edits that cancel each other."""
    deletion = edits.delete(records, None)
    edits.restore(deletion.changes.all(), records.model, None)
    edits.correct(records, {name: value}, None)
    edits.revert(records, name, None)
    old = getattr(records.get(), name)
    edits.correct(records, {name: value}, None)
    edits.correct(records, {name: old}, None)
