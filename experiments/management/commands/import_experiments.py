"""Import users, compounds and the experiments that users ran with them."""

from imports.command import ImportCommand


class Command(ImportCommand):
    help = __doc__
