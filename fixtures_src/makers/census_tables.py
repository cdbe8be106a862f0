"""The terms of UCI's Adult census files, and their frequencies in the generated ones.

The terms and the order of the columns are UCI's, so that any program that reads those files reads these. The weights
are rough and only need to look like a census.
"""

import numpy as np

from makers.draws import Odds

COLUMNS = [
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship",
    "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
]  # fmt: skip
SEXES = ["Male", "Female"]
RACES = ["White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"]
# In the order of their rank: the first is 1, the last 16.
EDUCATION = [
    "Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad", "Some-college",
    "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate",
]  # fmt: skip
WORKCLASSES = [
    "Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov", "State-gov", "Without-pay",
    "Never-worked", "?",
]  # fmt: skip
MARITAL = [
    "Never-married", "Married-civ-spouse", "Married-AF-spouse", "Divorced", "Separated", "Widowed",
    "Married-spouse-absent",
]  # fmt: skip
RELATIONSHIPS = ["Husband", "Wife", "Own-child", "Not-in-family", "Unmarried", "Other-relative"]
OCCUPATIONS = [
    "Exec-managerial", "Prof-specialty", "Tech-support", "Sales", "Protective-serv", "Adm-clerical", "Craft-repair",
    "Machine-op-inspct", "Transport-moving", "Handlers-cleaners", "Farming-fishing", "Other-service",
    "Priv-house-serv", "Armed-Forces", "?",
]  # fmt: skip
UNKNOWN_OCCUPATION = OCCUPATIONS.index("?")
NEVER_WORKED = WORKCLASSES.index("Never-worked")  # and "?" after it
COUNTRIES = [
    "United-States", "?", "Mexico", "Puerto-Rico", "El-Salvador", "Cuba", "Guatemala", "Dominican-Republic",
    "Columbia", "Nicaragua", "Peru", "Honduras", "Ecuador", "Canada", "Germany", "England", "Italy", "Poland",
    "Portugal", "Ireland", "France", "Greece", "Scotland", "Yugoslavia", "Hungary", "Holand-Netherlands",
    "Outlying-US(Guam-USVI-etc)", "Jamaica", "Haiti", "Trinadad&Tobago", "Philippines", "India", "China", "South",
    "Vietnam", "Japan", "Taiwan", "Iran", "Cambodia", "Laos", "Thailand", "Hong",
]  # fmt: skip

VOCABULARIES = {
    "workclass": WORKCLASSES, "education": EDUCATION, "marital-status": MARITAL, "occupation": OCCUPATIONS,
    "relationship": RELATIONSHIPS, "race": RACES, "sex": SEXES, "native-country": COUNTRIES,
}  # fmt: skip

# From 17 to 90.
AGES = Odds([6, 9, 11, 12, 13, 13, 14, *[14] * 20, *[n // 2 for n in range(27, 0, -1)], *[1] * 20])
SEX = Odds([66, 34])
RACE = Odds([855, 96, 31, 10, 8])
# Circumstance: under 19, 19 to 22, 23 to 64, 65 and over.
BANDS = [19, 23, 65]
SCHOOLING = Odds(
    [0, 0, 1, 3, 10, 25, 45, 10, 14, 12, 0, 0, 0, 0, 0, 0],
    [0, 1, 2, 2, 3, 5, 8, 4, 60, 85, 6, 5, 12, 0, 0, 0],
    [2, 6, 12, 17, 15, 25, 28, 12, 330, 205, 47, 36, 185, 62, 18, 13],
    [6, 15, 20, 70, 25, 35, 25, 8, 320, 140, 20, 15, 110, 60, 25, 22],
)
MARRIED = Odds(
    [980, 10, 0, 2, 3, 0, 5],
    [850, 110, 2, 15, 15, 1, 7],
    [230, 520, 1, 160, 36, 20, 14],
    [60, 560, 0, 110, 15, 240, 15],
)
# Circumstance: the marital status, the same again for women, and last the never married under 27.
HOUSEHOLDS = Odds(
    [0, 0, 40, 45, 8, 7], [97, 0, 1, 1, 0, 1], [95, 0, 2, 1, 0, 2], [0, 0, 7, 65, 25, 3], [0, 0, 10, 50, 33, 7],
    [0, 0, 2, 60, 33, 5], [0, 0, 6, 60, 27, 7],
    [0, 0, 42, 40, 14, 4], [0, 92, 4, 1, 0, 3], [0, 92, 4, 1, 0, 3], [0, 0, 7, 48, 43, 2], [0, 0, 9, 38, 48, 5],
    [0, 0, 1, 58, 37, 4], [0, 0, 6, 50, 38, 6],
    [0, 0, 70, 20, 4, 6],
)  # fmt: skip
# Circumstance: the age band, as in MARRIED.
WORK = Odds(
    [720, 20, 5, 5, 25, 20, 4, 12, 189],
    [760, 20, 5, 12, 30, 50, 1, 3, 119],
    [705, 85, 36, 33, 69, 42, 0, 0, 30],
    [440, 170, 50, 20, 60, 25, 5, 0, 230],
)
# Circumstance: under 9 years of schooling, 9 and 10, 11 and 12, 13 and over; the same again for women.
JOBS = Odds(
    [3, 1, 1, 5, 2, 3, 26, 16, 14, 15, 11, 10, 1, 0], [10, 3, 3, 12, 4, 7, 29, 11, 10, 9, 6, 6, 0, 1],
    [14, 11, 8, 12, 4, 8, 25, 6, 5, 3, 4, 4, 0, 1], [30, 34, 5, 15, 2, 5, 6, 1, 1, 1, 2, 2, 0, 1],
    [4, 2, 1, 9, 1, 9, 4, 18, 2, 6, 2, 35, 9, 0], [11, 5, 3, 14, 1, 33, 3, 6, 1, 3, 1, 19, 2, 0],
    [14, 21, 8, 9, 1, 30, 2, 2, 1, 1, 1, 11, 1, 0], [26, 44, 3, 9, 1, 14, 1, 1, 0, 0, 1, 4, 0, 0],
)  # fmt: skip
# Circumstance: the race.
ORIGINS = Odds(
    [9260, 90, 210, 30, 32, 28, 14, 10, 10, 7, 5, 3, 5, 36, 40, 24, 20, 17, 13, 7, 7, 9, 4, 4, 4, 1, 1, 1, 1, 1],
    [9150, 260, 10, 8, 2, 12, 2, 14, 4, 2, 1, 2, 3, 4, 6, 10, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 6, 190, 140, 40],
    [2900, 600, *[0] * 24, 20, 0, 0, 30, 1800, 900, 750, 700, 560, 500, 390, 300, 170, 140, 170, 90],
    [9500, 100, 150, 10],
    [4800, 150, 1300, 700, 450, 60, 200, 500, 250, 90, 100, 30, 150],
)
# Hours are tens (circumstance: the age band) and units: many work forty, or a round number.
TENS = Odds([5, 20, 35, 20, 17, 2, 1], [3, 8, 18, 15, 47, 6, 3], [1, 2, 4, 8, 58, 18, 9], [8, 16, 20, 14, 30, 8, 4])
UNITS = Odds([55, 4, 3, 3, 4, 22, 3, 2, 3, 1])
GAINS = np.array([114 + 3 * n * n + 37 * n for n in range(110)] + [7298, 7688, 15024, 27828, 99999])
LOSSES = np.array([155 + 47 * n for n in range(88)])

SCHOOLING_SCORE = np.array([0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 11, 13, 15, 16])
# By age from 17, and by hours from 0.
AGE_SCORE = np.repeat([-5, 0, 4, 7, 9, 10, 8, 6], [5, 4, 4, 5, 10, 16, 10, 20])
HOURS_SCORE = np.repeat([-3, 0, 3, 5, 6], [20, 15, 6, 10, 49])
JOB_SCORE = np.array([4, 3, 2, 2, 2, 0, 1, -1, -1, -2, -3, -4, -6, 1, -2])
MARITAL_SCORE = np.array([0, 8, 8, 1, 0, 0, 0])
SCORE_FLOOR = 8
# Chance of more than 50K in a thousand, by the score above the floor.
CHANCE = np.array([
    0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 63, 83, 108, 139, 178, 225, 280, 342, 411, 482, 554, 624, 688, 745,
    795, 836, 871, 899, 921, 939, 953, 964,
])  # fmt: skip
