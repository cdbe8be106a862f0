"""Subjects and sessions as programs read them."""

from datasets.api import register
from subjects.models import Session, Subject, SubjectsByBirthYear

register(Subject)
register(Session)
register(SubjectsByBirthYear, name="by-birth-year")
