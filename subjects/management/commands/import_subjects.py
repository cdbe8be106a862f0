"""Import subjects and sessions from experiment folders."""

from datasets.commands import ImportCommand


class Command(ImportCommand):
    help = __doc__
    dataset = "subjects"
