"""Users, compounds and experiments as programs read them."""

from datasets.api import RecordViewSet, register
from experiments.models import Compound, User, UserExperiment, UserFeatures, compound_ids


class UserFeaturesViewSet(RecordViewSet):
    model = UserFeatures
    column_help = {
        "most_common_compounds": "List of the ids of the compounds used in most of the user's experiments: "
        "all that tie, the lowest id first. Empty without any."
    }

    def represent_row(self, row, lists):
        served = super().represent_row(row, lists)
        return {**served, "most_common_compounds": compound_ids(served["most_common_compounds"])}


register(User)
register(Compound)
register(UserExperiment)
register(UserFeatures, viewset=UserFeaturesViewSet)
