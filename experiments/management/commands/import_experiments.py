"""Import users, compounds and the experiments that users ran with them."""

from datasets.commands import ImportCommand


class Command(ImportCommand):
    help = __doc__
    dataset = "experiments"
