"""Respondents in the format of the UCI Adult census files; income rises with education, hours and age."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from makers import census_tables as tables
from makers.census_tables import COLUMNS, VOCABULARIES
from makers.draws import Rows, below, models
from makers.planting import Planted, put, too_few, too_many

PLANTED_DATA = [
    Planted(212, "the age is not a number", like=200, put={0: "thirty"}),
    Planted(655, "two problems in one row: the sex is misspelt and the hours are blank", like=640,
            put={9: "Femael", 12: ""}),
    Planted(1240, "too few cells: the row stops after hours-per-week",
            row="44, Private, 201119, HS-grad, 9, Divorced, Sales, Unmarried, White, Female, 0, 0, 38"),
    Planted(1987, "too many cells",
            row="29, Local-gov, 154027, Bachelors, 13, Never-married, Prof-specialty, Not-in-family, Black, Female, "
                "0, 0, 45, United-States, <=50K, seen twice"),
    Planted(2718, "an education level with the wrong number of years: Doctorate is 16",
            row="51, State-gov, 188433, Doctorate, 13, Married-civ-spouse, Prof-specialty, Husband, White, Male, "
                "0, 0, 50, United-States, >50K"),
    Planted(3456, "an income that is neither <=50K nor >50K", like=3400, put={14: "50K"}),
]  # fmt: skip
PLANTED_TEST = [
    Planted(140, "the final weight is not a number", like=130, put={2: "12e"}),
    Planted(802, "the capital gain is below zero", like=790, put={10: "-350"}),
]
SPOILS = [put(0, "thirty"), put(4, "17"), put(9, "Femael"), put(14, "50K"), too_few, too_many]


def lines(seed: int, rows: Rows, separator: str = ",", dot: str = "") -> list[str]:
    """Return the rows as text; a changed row works one more hour. Labels end with a dot, as in UCI's adult.test."""
    columns = respondents(seed, models(seed, rows.numbers))
    columns["hours-per-week"] = np.where(rows.changed, columns["hours-per-week"] % 99 + 1, columns["hours-per-week"])
    words = VOCABULARIES | {"income": [f"<=50K{dot}", f">50K{dot}"]}
    cells = []
    for name in COLUMNS:
        numbers = pa.array(columns[name])
        cells.append(pa.array(words[name]).take(numbers) if name in words else numbers.cast("string"))
    return pc.binary_join_element_wise(*cells, separator).to_pylist()


def respondents(seed: int, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return numbers for every column: the cell's value, or the term's position in its vocabulary."""
    age = tables.AGES.pick(seed, "age", rows) + 17
    band = np.searchsorted(tables.BANDS, age, side="right")
    sex = tables.SEX.pick(seed, "sex", rows)
    race = tables.RACE.pick(seed, "race", rows)
    schooling = tables.SCHOOLING.pick(seed, "schooling", rows, band)
    marital = tables.MARRIED.pick(seed, "marital", rows, band)
    workclass = tables.WORK.pick(seed, "work", rows, band)
    job = tables.JOBS.pick(seed, "job", rows, np.searchsorted([8, 10, 12], schooling, side="right") + 4 * sex)
    job = np.where(workclass >= tables.NEVER_WORKED, tables.UNKNOWN_OCCUPATION, job)
    household = np.where((marital == 0) & (age < 27), 14, marital + 7 * sex)
    hours = np.maximum(10 * tables.TENS.pick(seed, "tens", rows, band) + tables.UNITS.pick(seed, "units", rows), 1)
    gain, loss = capital(seed, rows)
    return {
        "age": age,
        "workclass": workclass,
        "fnlwgt": weight(seed, rows),
        "education": schooling,
        "education-num": schooling + 1,
        "marital-status": marital,
        "occupation": job,
        "relationship": tables.HOUSEHOLDS.pick(seed, "household", rows, household),
        "race": race,
        "sex": sex,
        "capital-gain": gain,
        "capital-loss": loss,
        "hours-per-week": hours,
        "native-country": tables.ORIGINS.pick(seed, "origin", rows, race),
        "income": income(seed, rows, age, schooling, marital, job, hours, gain),
    }


def weight(seed: int, rows: np.ndarray) -> np.ndarray:
    """Return final weights: about 40,000 different values around 190,000, with a long tail."""
    heap = sum(below(seed, f"weight {n}", rows, 13_400) for n in range(3))
    value = 12_285 + 9 * heap + (heap * 7919 >> 3) % 9
    tail = below(seed, "tail", rows, 1000) < 25
    return np.where(tail, value + 130 * (heap % 4001), value)


def capital(seed: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return capital gains for one row in twelve, and losses for one in twenty of the others."""
    gains, losses = tables.GAINS, tables.LOSSES
    # A quarter of the gains are one of the five round sums at the end of the list.
    usual = below(seed, "gain", rows, len(gains) - 5)
    position = np.where(below(seed, "round gain", rows, 4) == 0, len(gains) - 5 + usual % 5, usual)
    gain = np.where(below(seed, "gains", rows, 12) == 0, gains[position], 0)
    lost = (gain == 0) & (below(seed, "losses", rows, 20) == 0)
    return gain, np.where(lost, losses[below(seed, "loss", rows, len(losses))], 0)


def income(seed, rows, age, schooling, marital, job, hours, gain) -> np.ndarray:
    """Return 1 for more than 50K: likelier with education, age up to 60, hours, a spouse, some jobs, a big gain."""
    score = tables.SCHOOLING_SCORE[schooling] + tables.AGE_SCORE[age - 17] + tables.HOURS_SCORE[hours]
    score += tables.JOB_SCORE[job] + tables.MARITAL_SCORE[marital] + np.where(gain > 7000, 15, 0)
    chance = tables.CHANCE[np.clip(score - tables.SCORE_FLOOR, 0, len(tables.CHANCE) - 1)]
    return (below(seed, "income", rows, 1000) < chance).astype(np.int64)
