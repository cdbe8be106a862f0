"""Import people and the places where they were born."""

from imports.command import ImportCommand


class Command(ImportCommand):
    help = __doc__
