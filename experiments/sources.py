"""The files of users, compounds and experiments."""

from experiments.models import Compound, User, UserExperiment
from imports.sources import CSVSource, Many, Reference


class Users(CSVSource):
    file = "users*.csv"
    model = User
    key = ("user_id",)


class Compounds(CSVSource):
    file = "compounds*.csv"
    model = Compound
    key = ("compound_id",)


class UserExperiments(CSVSource):
    file = "user_experiments*.csv"
    model = UserExperiment
    key = ("experiment_id",)
    columns = {
        "user_id": Reference(User, by="user_id", field="user"),
        # Several ids in one cell, such as "1;2;3"; an id listed twice counts once.
        "experiment_compound_ids": Many(Compound, by="compound_id", separator=";", field="compounds"),
    }
