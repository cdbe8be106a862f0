"""Users, compounds, and the experiments that users ran with them."""

from django.db import models

from datasets.constraints import bounded
from datasets.listing import Chart, Listing
from datasets.models import MaterializedView, Record


class UserQuerySet(models.QuerySet):
    def mean_experiments(self) -> float | None:
        """Return the average number of experiments of a user; those who ran none count, too. None without users."""
        users = self.count()
        return UserExperiment.objects.filter(user__in=self).count() / users if users else None


class User(Record):
    """Somebody who runs experiments. It is not an account of this site."""

    user_id = models.BigIntegerField("user", primary_key=True)
    name = models.CharField(max_length=200)
    email = models.EmailField("e-mail", help_text="Personal: shown in full only to those who may see addresses.")
    signup_date = models.DateField()

    objects = UserQuerySet.as_manager()
    listing = Listing(search=["user_id__exact", "name", "email"], personal={"email": "experiments.view_email"})

    class Meta:
        db_table = "users"
        permissions = [("view_email", "Can see e-mail addresses")]
        indexes = [models.Index(fields=["signup_date"], name="users_signup_date")]


class Compound(Record):
    compound_id = models.BigIntegerField("compound", primary_key=True)
    compound_name = models.CharField(max_length=200)
    compound_structure = models.CharField(max_length=500, help_text="Molecular formula, such as C20H25N3O.")

    listing = Listing(label="compound_name", search=["compound_id__exact", "compound_name"])

    class Meta:
        db_table = "compounds"


class UserExperimentQuerySet(models.QuerySet):
    def mean_run_time(self) -> float | None:
        """Return the mean run time of these experiments, in the unit of their file; None where there are none."""
        return self.aggregate(mean=models.Avg("experiment_run_time"))["mean"]

    def uses_by_compound(self) -> dict[int, int]:
        """Return in how many of these experiments each compound was used, by its id, the lowest first."""
        uses = UserExperimentCompound.objects.filter(experiment__in=self).values_list("compound")
        return dict(uses.annotate(uses=models.Count("pk")).order_by("compound"))

    def most_common_compounds(self) -> list[int]:
        """Return the ids of the compounds used in most of these experiments: all that tie, the lowest first."""
        uses = self.uses_by_compound()
        return [compound for compound, count in uses.items() if count == max(uses.values())]


class UserExperiment(Record):
    """An experiment that a user ran, with the compounds that it used."""

    experiment_id = models.BigIntegerField("experiment", primary_key=True)
    user = models.ForeignKey(User, models.PROTECT, related_name="experiments")
    # The files hold whole numbers and do not say whose; a float keeps a part of one, should it come.
    experiment_run_time = models.FloatField("run time", help_text="In the unit of its file, which does not name it.")
    compounds = models.ManyToManyField(Compound, through="UserExperimentCompound", related_name="experiments")

    objects = UserExperimentQuerySet.as_manager()
    listing = Listing(search=["experiment_id__exact", "user__name"])

    class Meta:
        db_table = "user_experiments"
        verbose_name = "experiment"
        constraints = [bounded("experiment_run_time", 0)]


class UserExperimentCompound(models.Model):
    """A compound that an experiment used: all of them are one field of the experiment, and share its provenance."""

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
                violation_error_message="An experiment lists a compound once.",
            ),
        ]

    def __str__(self):
        return f"compound {self.compound_id} in experiment {self.experiment_id}"


class UserFeatures(MaterializedView):
    """What is known of a user from the experiments; users who ran none are rows, too."""

    # A view refers to nothing; the row of a user who is deleted goes with the next refresh.
    user = models.OneToOneField(User, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="features")
    total_experiments = models.BigIntegerField(help_text="Experiments that the user ran.")
    mean_run_time = models.FloatField(
        null=True, help_text="Of the user's experiments, in the unit of their file; empty without any."
    )
    most_common_compounds = models.TextField(
        null=True,
        help_text="Ids of the compounds used in most of the user's experiments: all that tie, the lowest id first, "
        "with semicolons between. Empty without any.",
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

    def __str__(self):
        return f"features of user {self.user_id}"
