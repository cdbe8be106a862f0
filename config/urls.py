"""URLs of the site: the admin for curators, /explore/ for analysts, /api/ for programs, and the pages of an account."""

from django.contrib import admin
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView

from curation.admin.record_admin import register_defaults
from datasets.navigation import may_use_admin
from monitoring.account_pages import change_password, sign_in, sign_out

admin.autodiscover()
register_defaults()
admin.site.site_header = "Tabularium"
admin.site.site_title = "Tabularium"
admin.site.index_title = "Datasets"
admin.site.site_url = None  # the admin is the site: no link to another one

# The link that manage.py first_sign_in prints: it works once and signs the user in.
choose_password = PasswordResetConfirmView.as_view(
    success_url=reverse_lazy("home"),
    post_reset_login=True,
    post_reset_login_backend="django.contrib.auth.backends.ModelBackend",
)

handler400, handler500 = "config.url_validation.bad_request", "config.url_validation.server_error"


def home(request: HttpRequest) -> HttpResponse:
    """Redirect to the start page of the account: the dashboard, Explore, or the sign-in page."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    return redirect("admin:index" if may_use_admin(request.user) else "explore:start")


urlpatterns = [
    path("", home, name="home"),
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", sign_out, name="sign-out"),
    path("change-password/", change_password, name="change-password"),
    # Instead of the admin's own pages
    path("admin/login/", RedirectView.as_view(pattern_name="sign-in", query_string=True)),
    path("admin/logout/", sign_out),
    path("admin/password_change/", RedirectView.as_view(pattern_name="change-password")),
    path("admin/welcome/<uidb64>/<token>/", choose_password, name="password_reset_confirm"),
    path("admin/", admin.site.urls),
    path("api/", include("api.urls")),
    path("explore/", include("explore.urls")),
]
