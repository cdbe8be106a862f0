"""Texts are ordered by code point on PostgreSQL too."""

from django.db import migrations

from datasets.matviews import CreateView, DropView
from datasets.text_order import OrderTextsByCodePoint


class Migration(migrations.Migration):
    dependencies = [("experiments", "0005_signup_date")]

    operations = [
        DropView("user_features", sql="0002_user_features"),
        OrderTextsByCodePoint(),
        CreateView("user_features", sql="0002_user_features"),
    ]
