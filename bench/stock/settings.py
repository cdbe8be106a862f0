"""The site's settings with Django REST framework as it comes out of the box."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "stock.urls"
REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
