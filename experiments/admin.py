"""Admin of users, compounds and experiments."""

from django.contrib import admin
from django.db.models import Avg, QuerySet
from django.http import HttpRequest

from curation.admin import MaterializedViewAdmin, RecordAdmin
from experiments.models import UserExperiment, UserFeatures


@admin.register(UserExperiment)
class UserExperimentAdmin(RecordAdmin[UserExperiment]):
    list_display = ["experiment_id", "user", "experiment_run_time", "compound_names"]
    filter_columns = ["compounds", "experiment_run_time"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserExperiment]:
        return super().get_queryset(request).prefetch_related("compounds")

    @admin.display(description="compounds")
    def compound_names(self, experiment: UserExperiment) -> str:
        return ", ".join(sorted(compound.compound_name for compound in experiment.compounds.all()))


@admin.register(UserFeatures)
class UserFeaturesAdmin(MaterializedViewAdmin[UserFeatures]):
    def explained(self) -> list[tuple[str, str]]:
        mean = self.model.objects.aggregate(mean=Avg("total_experiments"))["mean"]
        average = [] if mean is None else [("mean experiments per user", f"{float(mean):,.6g}")]
        return [*super().explained(), *average]
