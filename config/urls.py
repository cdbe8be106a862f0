"""URLs of the site: the admin for curators, /explore/ for analysts, /api/ for programs."""

from django.contrib import admin
from django.contrib.auth.views import PasswordResetConfirmView
from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView

from curation.admin.record_admin import register_defaults
from monitoring.sign_in_forms import StaffSignInForm

admin.autodiscover()
register_defaults()
admin.site.site_header = "Tabularium"
admin.site.site_title = "Tabularium"
admin.site.index_title = "Datasets"
admin.site.site_url = None  # the admin is the site: no link to another one
admin.site.login_form = StaffSignInForm

# The link that manage.py first_sign_in prints: it works once and signs the user in.
choose_password = PasswordResetConfirmView.as_view(
    success_url=reverse_lazy("admin:index"),
    post_reset_login=True,
    post_reset_login_backend="django.contrib.auth.backends.ModelBackend",
)

handler400, handler500 = "config.url_validation.bad_request", "config.url_validation.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/welcome/<uidb64>/<token>/", choose_password, name="password_reset_confirm"),
    path("admin/", admin.site.urls),
    path("api/", include("api.urls")),
    path("explore/", include("explore.urls")),
]
