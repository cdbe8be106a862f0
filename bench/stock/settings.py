"""The site's settings with an unmodified Django REST framework."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "stock.urls"
REST_FRAMEWORK = {
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
