"""Users, chemical compounds and experiments, in files separated by a comma and a tab."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from makers.draws import Odds, Rows, below
from makers.planting import Planted, put, too_few

SEPARATOR = ",\t"
USERS_HEADER = SEPARATOR.join(["user_id", "name", "email", "signup_date"])
COMPOUNDS_HEADER = SEPARATOR.join(["compound_id", "compound_name", "compound_structure"])
EXPERIMENTS_HEADER = SEPARATOR.join(["experiment_id", "user_id", "experiment_compound_ids", "experiment_run_time"])

NAMES = [
    "Ada", "Björk", "Chidi", "Dimitra", "Emeka", "Fatima", "Giorgos", "Hana", "Ines", "João", "Keiko", "Leïla",
    "Mateusz", "Nino", "Olga", "Pádraig", "Quentin", "Rosa", "Søren", "Tamar", "Ulla", "Vikram", "Wanjiru", "Xiu",
    "Yusuf", "Zoë",
]  # fmt: skip
# E-mail addresses have only ASCII letters.
MAILBOXES = [
    "ada", "bjork", "chidi", "dimitra", "emeka", "fatima", "giorgos", "hana", "ines", "joao", "keiko", "leila",
    "mateusz", "nino", "olga", "padraig", "quentin", "rosa", "soren", "tamar", "ulla", "vikram", "wanjiru", "xiu",
    "yusuf", "zoe",
]  # fmt: skip
FAMILIES = [
    "Alder", "Birch", "Cedar", "Damson", "Elder", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple",
    "Nettle", "Oak", "Pine", "Rowan", "Sorrel",
]  # fmt: skip
FIRST_SIGNUP = np.datetime64("2021-03-01").astype(int)
BEGINNINGS = ["Aldo", "Brevi", "Cory", "Dextra", "Elva", "Ferri", "Galan", "Hexi", "Iso", "Lumi"]
ENDINGS = ["xane", "vitol", "mycin", "lidine", "phene"]

# One user in ten runs none; some run many.
EAGERNESS = [0, 1, 1, 2, 3, 4, 5, 7, 9, 14]
USED = Odds([30, 34, 22, 10, 4])  # number of compounds of an experiment, from one

PLANTED_USERS = [
    Planted(23, "an e-mail address without @", row="901,\tRosa Gorse,\trosa.gorse.example.org,\t2022-05-17"),
    Planted(78, "an impossible date: 31 September", row="902,\tYusuf Pine,\tyusuf.902@example.org,\t2023-09-31"),
    Planted(101, "the key and the values of an earlier user: a duplicate, not rejected", like=45),
    Planted(133, "the key of an earlier user, with another address", like=17, put={2: "somebody.else@example.org"}),
    Planted(164, "too few cells: no sign-up date", row="903,\tHana Larch,\thana.903@example.org"),
]
PLANTED_COMPOUNDS = [
    Planted(19, "the key of an earlier compound, with another structure", like=9, put={2: "C60"}),
    Planted(38, "too few cells: no structure", row="951,\tLuminothene"),
]
PLANTED_EXPERIMENTS = [
    Planted(77, "a compound that does not exist, beside two that do", row="9001,\t5,\t3;777;12,\t40"),
    Planted(402, "a user that does not exist", row="9002,\t999,\t4;8,\t35"),
    Planted(655, "a user whose own row was rejected (users.csv, line 23)", row="9003,\t901,\t21,\t20"),
    Planted(910, "a run time that is not a number", row="9004,\t33,\t2;6,\thalf an hour"),
    Planted(1203, "the key and the values of an earlier experiment: a duplicate, not rejected", like=1100),
    Planted(1388, "the key of an earlier experiment, with another run time", like=250, put={3: "999"}),
    Planted(1512, "a compound id that is not a number", row="9005,\t61,\t7;x,\t25"),
    Planted(1790, "too many cells: commas separate the compounds", row="9006,\t72,\t1,\t2,\t3,\t55"),
]
USER_SPOILS = [put(2, "nobody at example"), put(3, "2023-09-31"), too_few, put(1, "")]


def user_lines(seed: int, rows: Rows) -> list[str]:
    """Return users as text, numbered from 1; a changed user has another e-mail provider."""
    given = below(seed, "user name", rows.numbers, len(NAMES))
    family = below(seed, "user family", rows.numbers, len(FAMILIES))
    ids = pa.array(rows.numbers + 1).cast("string")
    full = pc.binary_join_element_wise(pa.array(NAMES).take(given), pa.array(FAMILIES).take(family), " ")
    server = pa.array(["example.org", "example.net"]).take(pa.array(rows.changed.astype(np.int64)))
    mailbox = pc.binary_join_element_wise(pa.array(MAILBOXES).take(given), ids, ".")
    day = FIRST_SIGNUP + below(seed, "signup", rows.numbers, 1400)
    signup = pa.array(day.astype(np.int32)).cast(pa.date32()).cast("string")
    email = pc.binary_join_element_wise(mailbox, server, "@")
    return pc.binary_join_element_wise(ids, full, email, signup, SEPARATOR).to_pylist()


def compound_lines(seed: int) -> list[str]:
    """Return fifty compounds as text, numbered from 1, with an invented name and a plausible formula."""
    rows = np.arange(len(BEGINNINGS) * len(ENDINGS))
    carbon = below(seed, "carbon", rows, 22) + 6
    hydrogen = carbon + below(seed, "hydrogen", rows, 14)
    nitrogen, oxygen = (below(seed, "nitrogen", rows, 5), below(seed, "oxygen", rows, 6) + 1)
    others = [("N", nitrogen), ("O", oxygen), ("S", below(seed, "sulphur", rows, 8) - 6)]
    lines = []
    for row in rows:
        name = BEGINNINGS[row % len(BEGINNINGS)] + ENDINGS[row // len(BEGINNINGS)]
        rest = "".join(f"{atom}{count[row] if count[row] > 1 else ''}" for atom, count in others if count[row] > 0)
        lines.append(SEPARATOR.join([str(row + 1), name, f"C{carbon[row]}H{hydrogen[row]}{rest}"]))
    return lines


def experiment_lines(seed: int, count: int, users: int, compounds: int) -> list[str]:
    """Return experiments as text, numbered from 1: active users run more, and more compounds take longer."""
    rows = np.arange(count)
    eagerness = below(seed, "eagerness", np.arange(users), len(EAGERNESS))
    user = Odds([EAGERNESS[n] for n in eagerness]).pick(seed, "user", rows)
    how_many = USED.pick(seed, "used", rows) + 1
    # The first compounds of the list are used more than the last.
    chosen = [np.minimum(*(below(seed, f"compound {n} {m}", rows, compounds) for m in "ab")) + 1 for n in range(5)]
    minutes = 5 * (1 + 2 * how_many + below(seed, "minutes", rows, 9))
    lines = []
    for row in rows:
        used = sorted({int(each[row]) for each in chosen[: how_many[row]]})
        cells = [row + 1, user[row] + 1, ";".join(map(str, used)), minutes[row]]
        lines.append(SEPARATOR.join(map(str, cells)))
    return lines
