"""Import places and the people born in them."""

from datasets.commands import ImportCommand


class Command(ImportCommand):
    help = __doc__
    dataset = "people"
