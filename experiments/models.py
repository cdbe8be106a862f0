"""Users, compounds, and the experiments that users ran with them.

The help text of a field is its entry in the data dictionary.
"""

from django.db import models

from datasets.constraints import bounded
from datasets.listing import Chart, Listing
from datasets.models import MaterializedView, Record


class UserQuerySet(models.QuerySet["User"]):
    def mean_experiments(self) -> float | None:
        """Return the mean number of experiments per user, including users without any; None without users."""
        users = self.count()
        return UserExperiment.objects.filter(user__in=self).count() / users if users else None


class User(Record):
    """A person who runs experiments; not an account of this site."""

    user_id = models.BigIntegerField("user", primary_key=True, help_text="Unique number of the user.")
    name = models.CharField(max_length=200, help_text="Name of the user.")
    email = models.EmailField("e-mail", help_text="E-mail address of the user.")
    signup_date = models.DateField(help_text="The day on which the user signed up.")

    objects = UserQuerySet.as_manager()
    listing = Listing(search=["user_id__exact", "name", "email"], personal={"email": "experiments.view_email"})

    class Meta:
        db_table = "users"
        permissions = [("view_email", "Can see e-mail addresses")]
        indexes = [models.Index(fields=["signup_date"], name="users_signup_date")]


class Compound(Record):
    compound_id = models.BigIntegerField("compound", primary_key=True, help_text="Unique number of the compound.")
    compound_name = models.CharField(max_length=200, help_text="Name of the compound.")
    compound_structure = models.CharField(max_length=500, help_text="Molecular formula, such as C20H25N3O.")

    listing = Listing(label="compound_name", search=["compound_id__exact", "compound_name"])

    class Meta:
        db_table = "compounds"


class UserExperimentQuerySet(models.QuerySet["UserExperiment"]):
    def mean_run_time(self) -> float | None:
        """Return the mean run time of these experiments, in the unit of their file, or None if there are none."""
        mean: float | None = self.aggregate(mean=models.Avg("experiment_run_time"))["mean"]
        return mean

    def uses_by_compound(self) -> dict[int, int]:
        """Return the number of these experiments that used each compound, by compound id in ascending order."""
        uses = UserExperimentCompound.objects.filter(experiment__in=self).values_list("compound")
        return dict(uses.annotate(uses=models.Count("pk")).order_by("compound"))

    def most_common_compounds(self) -> list[int]:
        """Return the ids of the most used compounds of these experiments, in ascending order; several if they tie."""
        uses = self.uses_by_compound()
        return [compound for compound, count in uses.items() if count == max(uses.values())]


class UserExperiment(Record):
    """An experiment that a user ran, with the compounds that it used."""

    experiment_id = models.BigIntegerField("experiment", primary_key=True, help_text="Unique number of the experiment.")
    user = models.ForeignKey(
        User, models.PROTECT, related_name="experiments", help_text="The user who ran the experiment."
    )
    # The files have whole numbers without a unit; the column also stores fractions.
    experiment_run_time = models.FloatField(
        "run time", help_text="Run time as a number, 0 or more. Unit not stated in the source."
    )
    compounds = models.ManyToManyField(
        Compound,
        through="UserExperimentCompound",
        related_name="experiments",
        help_text="The compounds used in the experiment.",
    )

    objects = UserExperimentQuerySet.as_manager()
    listing = Listing(search=["experiment_id__exact", "user__name"])

    class Meta:
        db_table = "user_experiments"
        verbose_name = "experiment"
        constraints = [bounded("experiment_run_time", 0)]


class UserExperimentCompound(models.Model):
    """A compound used in an experiment; all of them are one field of the experiment and share its provenance."""

    id = models.BigAutoField(primary_key=True)
    # The unique constraint begins with the experiment and serves as its index.
    experiment = models.ForeignKey(UserExperiment, models.CASCADE, related_name="uses", db_index=False)
    compound = models.ForeignKey(Compound, models.PROTECT, related_name="uses")

    class Meta:
        db_table = "user_experiment_compounds"
        verbose_name = "compound used"
        verbose_name_plural = "compounds used"
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "compound"],
                name="user_experiment_compounds_once",
                violation_error_message="An experiment can list a compound only once.",
            ),
        ]

    def __str__(self) -> str:
        return f"compound {self.compound_id} in experiment {self.experiment_id}"


class UserFeatures(MaterializedView):
    """A summary of each user's experiments, including users without any."""

    # A view has no foreign keys; the next refresh removes the row of a deleted user.
    user = models.OneToOneField(User, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="features")
    total_experiments = models.BigIntegerField(help_text="Number of experiments that the user ran.")
    mean_run_time = models.FloatField(
        null=True,
        help_text="Mean run time of the user's experiments, in a unit that the source does not state. Empty if there "
        "are none.",
    )
    most_common_compounds = models.TextField(
        null=True,
        help_text="Ids of the compounds used in the most experiments of the user. If several tie, all of them, in "
        "ascending order, separated by semicolons. Empty if there are none.",
    )

    listing = Listing(
        search=["user__user_id__exact", "user__name"],
        lists=["most_common_compounds"],
        chart=Chart(x="total_experiments"),
    )

    class Meta(MaterializedView.Meta):
        db_table = "user_features"
        verbose_name = "user features"
        verbose_name_plural = "user features"

    def __str__(self) -> str:
        return f"features of user {self.user_id}"
