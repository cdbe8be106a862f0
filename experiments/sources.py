"""What the files of users, compounds and experiments hold."""

from experiments.models import Compound, User, UserExperiment
from imports.sources import CSVSource, Many, Reference


class Users(CSVSource):
    file = "users*.csv"
    model = User
    key = ["user_id"]


class Compounds(CSVSource):
    file = "compounds*.csv"
    model = Compound
    key = ["compound_id"]


class UserExperiments(CSVSource):
    file = "user_experiments*.csv"
    model = UserExperiment
    key = ["experiment_id"]
    columns = {
        "user_id": Reference(User, by="user_id", field="user"),
        # Several in one cell, "1;2;3"; one that is named twice counts once.
        "experiment_compound_ids": Many(Compound, by="compound_id", separator=";", field="compounds"),
    }
