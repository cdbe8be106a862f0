"""Import the respondents of a census."""

from datasets.commands import ImportCommand


class Command(ImportCommand):
    help = __doc__
    dataset = "census"
