"""Import places and the people born in them."""

from imports.command import ImportCommand


class Command(ImportCommand):
    help = __doc__
    dataset = "people"
