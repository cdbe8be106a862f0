"""A constraint declares a rule once: the database, the forms and the imports enforce it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.test.utils import isolate_apps

from census.models import EducationLevel, Respondent
from datasets.constraints import bounded, not_empty, one_of
from subjects.models import Subject


@pytest.mark.django_db
def test_the_database_enforces_a_range():
    with pytest.raises(IntegrityError, match="education_levels_years_not_negative"), transaction.atomic():
        EducationLevel.objects.create(name="Nursery", years=-1)


@pytest.mark.parametrize(
    ("age", "problem"),
    [(-1, "greater than or equal to 0"), (151, "less than or equal to 150"), (0, None), (150, None)],
)
def test_a_field_has_the_range_of_its_constraint(age, problem):
    field = Respondent._meta.get_field("age")
    if problem is None:
        assert field.clean(age, None) == age
    else:
        with pytest.raises(ValidationError, match=problem):
            field.clean(age, None)


@pytest.mark.django_db
def test_an_empty_text_is_refused_for_an_unknown_value():
    with pytest.raises(IntegrityError, match="subjects_species_not_empty"), transaction.atomic():
        Subject.objects.create(subject_id="1", species="")


@isolate_apps("census")
def test_constraint_names_contain_the_table_the_column_and_the_rule():
    class Grade(models.TextChoices):
        HIGH = "high"

    class Wine(models.Model):
        grapes = models.IntegerField()
        vintage = models.IntegerField()
        grade = models.CharField(max_length=10, choices=Grade.choices)

        class Meta:
            app_label, db_table = "census", "wines"
            constraints = [bounded("grapes", 1), bounded("vintage", 1500, 2100), one_of("grade", Grade)]
            constraints += [not_empty("grade")]

        def __str__(self):
            return f"wine {self.pk}"

    conditions = {constraint.name: constraint.condition for constraint in Wine._meta.constraints}
    assert conditions == {
        "wines_grapes_at_least_1": models.Q(grapes__gte=1),
        "wines_vintage_1500_to_2100": models.Q(vintage__gte=1500, vintage__lte=2100),
        "wines_grade_known": models.Q(grade__in=["high"]),
        "wines_grade_not_empty": ~models.Q(grade=""),
    }
    assert {type(constraint) for constraint in Wine._meta.constraints} == {models.CheckConstraint}  # for migrations


@isolate_apps("census")
def test_models_of_one_base_share_its_rules():
    class Measured(models.Model):
        value = models.IntegerField()

        class Meta:
            abstract = True
            constraints = [bounded("value", 0)]

    def measured(name: str, table: str) -> type[models.Model]:
        meta = type("Meta", (Measured.Meta,), {"app_label": "census", "db_table": table})
        return type(name, (Measured,), {"__module__": __name__, "Meta": meta})

    weight, height = measured("Weight", "weights"), measured("Height", "heights")
    for model, name in [(weight, "weights_value_not_negative"), (height, "heights_value_not_negative")]:
        assert [constraint.name for constraint in model._meta.constraints] == [name]
        with pytest.raises(ValidationError, match="greater than or equal to 0"):
            model._meta.get_field("value").clean(-1, None)
