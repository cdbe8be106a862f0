"""Users, compounds and experiments as programs read them."""

from datasets.api import register
from experiments.models import Compound, User, UserExperiment, UserFeatures

register(User)
register(Compound)
register(UserExperiment)
register(UserFeatures)
