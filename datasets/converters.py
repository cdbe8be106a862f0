"""How addresses spell the number of a record."""

from django.urls import register_converter
from django.urls.converters import IntConverter


class NumberConverter(IntConverter):
    """The number of a record as it is written out: no leading zeros, and no more digits than a column holds."""

    regex = "[1-9][0-9]{0,17}"


register_converter(NumberConverter, "number")
