"""The census files: UCI's adult.data and adult.test, and tables with a header and the same columns."""

from census.models import Respondent
from imports.sources import Column, CSVSource, Detail, VocabularyColumn


class Respondents(CSVSource):
    file = ("adult*.data", "adult*.test", "adult*.csv", "census*.csv")
    model = Respondent  # without a key: equal rows are different people
    headerless = True
    comment = "|"  # adult.test begins with "|1x3 Cross validator"
    missing = ("?",)
    columns = {
        "workclass": VocabularyColumn(names=["work_class", "employment"]),
        "fnlwgt": Column(names=["fnlgwt", "final_weight"]),
        "education": VocabularyColumn(),
        "education_num": Detail("education", "years", names=["educational_num"]),
        "sex": Column(names=["gender"]),
        "native_country": VocabularyColumn(names=["country"]),
        # The labels in adult.test end with a full stop.
        "income": Column(
            "income_over_50k",
            names=["class", "salary", "label", "y", "target", "income_over_50k"],
            spellings={True: [">50K", ">50K.", "1"], False: ["<=50K", "<=50K.", "0"]},
        ),
    }
