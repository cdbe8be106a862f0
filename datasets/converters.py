"""URL path converters."""

from django.urls import register_converter
from django.urls.converters import IntConverter


class NumberConverter(IntConverter):
    """A record's number in canonical form, without leading zeros and with at most 18 digits."""

    regex = "[1-9][0-9]{0,17}"


register_converter(NumberConverter, "number")
