"""The forms of the sign-in pages: what is longer than any name or password is refused before it is used."""

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator

from monitoring.hashing import LONGEST
from monitoring.sign_in_attempts import longest_name


class Bounded:
    """Bounds the fields of Django's form, which only tells browsers how long a name may be."""

    def __init__(self, request=None, *args, **kwargs):
        super().__init__(request, *args, **kwargs)
        most = {"username": longest_name(), "password": LONGEST}
        for name, limit in most.items():
            what = "name" if name == "username" else name
            # Checked after the name was normalised, by which it can grow.
            self.fields[name].validators.append(MaxLengthValidator(limit, f"A {what} has at most {limit} characters."))
        if self.is_bound:  # the page shows what was sent again: no more of it than tells that it is too long
            self.data = {name: self.data.get(name, "")[: limit + 1] for name, limit in most.items()}


class SignInForm(Bounded, AuthenticationForm):
    """For any account that is active."""


class StaffSignInForm(Bounded, AdminAuthenticationForm):
    """For the accounts that may use the admin."""
