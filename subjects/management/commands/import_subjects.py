"""Import subjects and sessions from experiment folders."""

from imports.command import ImportCommand


class Command(ImportCommand):
    help = __doc__
