"""The login page of explore: it accepts any active account, while the admin's requires staff status."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LoginView

from monitoring.sign_in_forms import SignInForm


class SignIn(LoginView):
    """The admin's login page, redirecting to explore."""

    authentication_form = SignInForm
    template_name = "admin/login.html"
    next_page = "explore:start"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}
        return context | {"title": "Log in", "app_path": self.request.get_full_path()}
