"""Fixtures: people, experiments and respondents, and a client that reads explore's pages."""

import re
from collections.abc import Callable
from datetime import date
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

# Characters with a special meaning in a shell, a spreadsheet, HTML and a URL.
ODD = """$(touch run) `id` 'a' "b" =1+1 <b>&amp;\\ ;|*?#%41, 1"""


class Reader(Client):
    """A client that reads explore's pages."""

    def page(self, address: str, status: int = 200) -> str:
        answer = self.get(f"/explore/{address}", follow=True)
        assert answer.status_code == status, answer.text
        return answer.text

    def rows(self, address: str) -> list[list[str]]:
        """Return the cells of a page's table."""
        body = self.page(address).partition("<tbody>")[2].partition("</tbody>")[0]
        return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)]

    def texts(self, address: str) -> list[list[str]]:
        """Return the cells as plain text."""
        return [[plain(cell) for cell in row] for row in self.rows(address)]

    def heads(self, address: str) -> list[str]:
        head = self.page(address).partition("<thead")[2].partition("</thead>")[0]
        return [
            plain(re.sub(r"<span class=\"visually-hidden\">.*?</span>", "", header))
            for header in head.split("<th ")[1:]
        ]


def plain(text: str) -> str:
    """Return the visible text of a piece of HTML."""
    return " ".join(unescape(re.sub(r"^[^<]*>|<[^>]*>", " ", f">{text}")).split())


@pytest.fixture
def signed_in(db) -> Callable[..., Reader]:
    """Log in a superuser, or a member of the named groups."""
    from django.contrib.auth.models import Group

    def signed_in(*groups: str, name: str = "ada", **fields) -> Reader:
        user = get_user_model().objects.create_user(name, is_staff=True, is_superuser=not groups, **fields)
        user.groups.set(Group.objects.filter(name__in=groups))
        reader = Reader()
        reader.force_login(user)
        return reader

    return signed_in


@pytest.fixture
def reader(signed_in) -> Reader:
    """A client logged in as a superuser."""
    return signed_in()


@pytest.fixture
def people(db) -> None:
    """Six people: three born in Kelso, two in Alloa, one in a town with special characters in its name."""
    from people.models import Person, Place

    towns = [("Kelso", "Roxburgh", "Scotland"), ("Alloa", "Fife", "Scotland"), (ODD, "Down", "Ulster")]
    places = [Place.objects.create(city=city, county=county, country=country) for city, county, country in towns]
    for number, place in enumerate([0, 0, 0, 1, 1, 2], 1):
        Person.objects.create(
            given_name=f"G{number}",
            family_name="Mac" if number % 2 else "Oig",
            date_of_birth=date(1850 + number, 1, number),
            place_of_birth=places[place],
        )


@pytest.fixture
def experiments(db) -> None:
    """Two users: the first ran one experiment with two compounds, the second none."""
    from experiments.models import Compound, User, UserExperiment

    for number, email in enumerate(["alice@example.com", "bob@example.org"], 1):
        User.objects.create(user_id=number, name=f"U{number}", email=email, signup_date=date(2023, 5, number))
    compounds = [Compound.objects.create(compound_id=n, compound_name=f"C{n}", compound_structure="C") for n in (9, 10)]
    UserExperiment.objects.create(experiment_id=12345, user_id=1, experiment_run_time=12345.5).compounds.set(compounds)


@pytest.fixture
def respondents(respondent, db) -> None:
    """Five respondents; the last has no workclass."""
    for number, education in enumerate(["Bachelors", "Bachelors", "HS-grad", "HS-grad", "Masters"], 1):
        respondent(
            age=20 * number,
            education=education,
            workclass=None if number == 5 else "Private",
            sex="Male" if number % 2 else "Female",
            capital_gain=14084 if number == 1 else 2174,
            income_over_50k=number > 3,
        ).save()
