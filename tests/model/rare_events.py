"""Events that random steps seldom cause: every sequence begins with them, in random order."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.model.confirming import ConfirmingSite
from tests.model.edited_rows import COLUMNS, MANY
from tests.model.people_files import ANY, distinct_people
from tests.model.values import PLACES, REASONS

RARE = {
    *("pairs", "edited rows", "chosen pairs", "separated pairs", "doubtful files"),
    *("fixed rows", "undone first", "undone alone"),
}


class RareEventsSite(ConfirmingSite):
    """Causes each of the RARE events at least once, before the random steps."""

    @initialize(data=st.data())
    def import_an_edited_row(self, data):
        rows = self.import_distinct_people(data)
        self.edit(data, rows)
        self.import_rows("people", {"people": data.draw(st.permutations(rows))})

    @initialize(data=st.data())
    def separate_and_choose_pairs(self, data):
        rows = self.import_distinct_people(data)
        self.edit(data, rows[1:])
        rows[:1] = distinct_people(1, self.numbers)
        self.import_with_choices(data, rows, data.draw(st.permutations(["separate", "pair"])))

    @initialize(data=st.data())
    def import_another_file(self, data):
        rows = self.import_distinct_people(data)
        for row in rows[data.draw(st.integers(1, 6)) :]:
            row["place_of_birth"] = other_place(row)
        self.import_rows("people", {"people": rows}, again=data.draw(st.booleans()))

    @initialize(data=st.data())
    def fix_a_rejected_row(self, data):
        rows = self.import_distinct_people(data)
        data.draw(st.sampled_from(rows))["place_of_birth"] = "Troy"
        self.import_rows("people", {"people": rows})
        self.fix(data.draw(ANY), data.draw(ANY))

    @initialize(data=st.data())
    def undo_an_import_and_what_blocks_it(self, data):
        self.import_distinct_people(data)
        pk, page, door = max(self.tables.of("people")), data.draw(st.booleans()), data.draw(st.integers(0, 3))
        self._both(lambda: self.tables.delete("people", [pk]), lambda: self.doors.delete("people", [pk], page=page))
        self.reverse("undo first", which=0, page=page, door=door)
        self.reverse("redo first", which=0, page=page, door=door)
        self.reverse("undo first", which=1, page=page, door=door)

    def import_distinct_people(self, data):
        """Import people who are easy to tell apart, and their places; return their rows."""
        self.doors.reason = data.draw(st.sampled_from(REASONS), label="reason")
        places = [{"city": city, "county": "Ayr", "country": "Scotland"} for city in PLACES]
        rows = distinct_people(MANY, self.numbers)
        self.import_rows("people", {"places": places, "people": rows})
        return [dict(row) for row in rows]

    def edit(self, data, rows):
        """Edit a cell of one of the rows."""
        row, column = (data.draw(st.sampled_from(some)) for some in (rows, COLUMNS))
        (new,) = distinct_people(1, self.numbers)
        row[column] = other_place(row) if column == "place_of_birth" else new[column]


def other_place(row):
    return next(city for city in PLACES if city != row["place_of_birth"])
