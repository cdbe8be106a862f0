"""The form of the sign-in page, with maximum lengths that are checked before the values are used."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest

from monitoring.password_hashing import LONGEST
from monitoring.sign_in_attempts import longest_name


class SignInForm(AuthenticationForm):
    """Sign-in form for all active accounts.

    It checks the maximum lengths on the server; Django's form only sets them as attributes for browsers.
    """

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any):
        super().__init__(request, *args, **kwargs)
        most = {"username": longest_name(), "password": LONGEST}
        for name, limit in most.items():
            what = "name" if name == "username" else name
            # Validators run after normalisation, which can make a name longer.
            self.fields[name].validators.append(
                MaxLengthValidator(limit, f"A {what} can have at most {limit} characters.")
            )
        if self.is_bound:  # the page repeats the values: keep just enough to show that they are too long
            self.data = {name: self.data.get(name, "")[: limit + 1] for name, limit in most.items()}
