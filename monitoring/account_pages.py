"""Pages of an account: it signs in and out, and changes its password."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy

from datasets.navigation import may_use_admin
from monitoring.sign_in_forms import SignInForm

if TYPE_CHECKING:
    from datasets.navigation import Account


class SignIn(LoginView):
    """The sign-in page of all accounts. It leads to the requested page, or to the start page of the account.

    A signed-in account sees it only if the requested page needs another account.
    """

    authentication_form = SignInForm
    template_name = "monitoring/sign_in.html"
    next_page = "home"
    extra_context = {"title": "Sign in"}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        address = super().get_success_url()
        if request.user.is_authenticated and _may_open(address, request.user):
            return HttpResponseRedirect(address)
        return super().get(request, *args, **kwargs)

    def get_success_url(self) -> str:
        address = super().get_success_url()
        return address if _may_open(address, self.request.user) else reverse("home")


class ChangePassword(PasswordChangeView):
    """The page on which an account changes its password."""

    template_name = "monitoring/change_password.html"
    success_url = reverse_lazy("home")
    extra_context = {"title": "Change password"}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, "Your password was changed.")
        return super().form_valid(form)


sign_in, change_password = SignIn.as_view(), ChangePassword.as_view()
sign_out = LogoutView.as_view(next_page="sign-in")


def _may_open(address: str, account: "Account") -> bool:
    """Return whether the account may open the admin, if the address is in the admin."""
    return may_use_admin(account) or not address.startswith(reverse("admin:index"))
