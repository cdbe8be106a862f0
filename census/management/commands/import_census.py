"""Import the respondents of a census."""

from imports.command import ImportCommand


class Command(ImportCommand):
    help = __doc__
