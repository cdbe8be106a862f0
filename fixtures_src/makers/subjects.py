"""Sixty experiment folders, each with the subject.json of its time: the schema has five generations.

A subject is described once and written in the schema generation of each of its folders.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from makers.draws import Odds, below

# The schema versions of each generation, and the first year of its folders.
GENERATIONS = {"0.2": (["0.2.2", "0.2.3"], 2019), "0.3": (["0.3.1", "0.3.3"], 2021),
               "0.4": (["0.4.1", "0.5.5", "1.0.3"], 2022), "2": (["2.0.12", "2.1.2", "2.2.1"], 2024)}  # fmt: skip
MODALITIES = ["ecephys", "behavior", "SmartSPIM", "multiplane-ophys", "barseq", ""]
MODALITY = Odds([30, 25, 20, 12, 5, 8])
SPECIES = [
    ("Mus musculus", "House mouse", "10090"),
    ("Rattus norvegicus", "Norway rat", "10116"),
    ("Callithrix jacchus", "Common marmoset", "9483"),
]
SPECIES_ODDS = Odds([88, 9, 3])
STRAINS = [None, "Unknown", "C57BL/6J", "129S1/SvImJ"]
STRAIN_ODDS = Odds([45, 10, 40, 5])
DRIVERS = ["wt/wt", "Pvalb-IRES-Cre/wt", "Sst-IRES-Cre/wt", "Vip-IRES-Cre/wt", "Dbh-Cre-KI/wt", "Slc17a7-IRES2-Cre/wt"]
REPORTERS = ["", ";Ai14(RCL-tdTomato)/wt", ";Ai32(RCL-ChR2(H134R)_EYFP)/wt", ";Ai95(RCL-GCaMP6f)/wt"]
FOLDERS = 60
# Folders of a subject that also has an earlier folder; a few differ from the earlier one.
AGAIN = {17: 3, 22: 9, 31: 9, 38: 20, 44: 27, 52: 34}
OTHERWISE = {
    31: lambda subject: {"born": subject.born + timedelta(days=30)},
    44: lambda subject: {"sex": "Female" if subject.sex == "Male" else "Male"},
    52: lambda subject: {"genotype": "Chat-IRES-Cre/wt"},
}


@dataclass(frozen=True)
class Subject:
    """An animal, with the properties of all generations of the schema."""

    id: str
    species: tuple[str, str, str]
    sex: str
    born: date
    genotype: str | None
    strain: str | None


def files(seed: int) -> dict[str, str]:
    """Return the text of each subject.json by the name of its folder."""
    made: dict[str, str] = {}
    known: list[tuple[Subject, date]] = []
    animals = FOLDERS - len(oddities())
    for number in range(animals):
        row = np.array([number])
        generation = list(GENERATIONS)[number * len(GENERATIONS) // animals]
        versions, year = GENERATIONS[generation]
        seen = date(year, 1, 10) + timedelta(days=int(below(seed, "session", row, 640)[0]))
        subject = described(seed, number, seen, generation)
        if number in AGAIN:
            # The subject has another session weeks later; a file may have a newer schema than that of its day.
            subject, before = known[AGAIN[number]]
            seen = before + timedelta(days=number)
            subject = replace(subject, **OTHERWISE[number](subject)) if number in OTHERWISE else subject
        known.append((subject, seen))
        version = versions[int(below(seed, "version", row, len(versions))[0])]
        content = SHAPES[generation](subject, version)
        if number in WRAPPERS:
            content = WRAPPERS[number](content)
        modality = MODALITIES[int(MODALITY.pick(seed, "modality", row)[0])]
        clock = below(seed, "clock", row, 8 * 3600)[0] + 9 * 3600
        name = f"{subject.id}_{seen}_{clock // 3600:02}-{clock // 60 % 60:02}-{clock % 60:02}"
        name = f"{modality}_{name}" if modality else name
        made[f"{name}_processed_{seen + timedelta(days=40)}_06-15-00" if number % 9 == 4 else name] = written(content)
    return made | oddities()


def described(seed: int, number: int, seen: date, generation: str) -> Subject:
    """Return the subject of this folder's number, two to eight months old at the session; in 2.x all are mice."""
    row = np.array([number])

    def of(name: str, choices: list):
        return choices[int(below(seed, name, row, len(choices))[0])]

    species = SPECIES[int(SPECIES_ODDS.pick(seed, "species", row)[0]) if generation != "2" else 0]
    mouse = species == SPECIES[0]
    return Subject(
        id=str(611_000 + 1931 * number + int(below(seed, "id", row, 1900)[0])),
        species=species,
        sex=of("sex", ["Female", "Male"]),
        born=seen - timedelta(days=60 + int(below(seed, "age", row, 180)[0])),
        genotype=of("driver", DRIVERS) + of("reporter", REPORTERS) if mouse else None,
        strain=STRAINS[int(STRAIN_ODDS.pick(seed, "strain", row)[0])] if mouse else None,
    )


def written(content: dict) -> str:
    """Return JSON as in the real files: indented by three spaces, without a newline at the end."""
    return json.dumps(content, indent=3, ensure_ascii=False)


def head(version: str) -> dict:
    """Return the first properties of every generation."""
    return {"describedBy": f"https://schemas.example.org/subject/{version}.json", "schema_version": version}


def ncbi(number: str) -> dict:
    """Return the registry of species names, as in the middle generations."""
    registry = {"name": "National Center for Biotechnology Information", "abbreviation": "NCBI"}
    return {"registry": registry, "registry_identifier": number}


def flat(subject: Subject, version: str, species: object) -> dict:
    """Return a subject with all properties at the top level, as in versions up to 1.x."""
    return head(version) | {
        "species": species,
        "subject_id": subject.id,
        "sex": subject.sex,
        "date_of_birth": subject.born.isoformat(),
        "genotype": subject.genotype,
        "background_strain": subject.strain,
        "source": None,
        "rrid": None,
        "restrictions": None,
        "wellness_reports": None,
        "housing": None,
        "notes": None,
    }


def species_as_text(subject: Subject, version: str) -> dict:
    """Return 0.2.x: the species is a string, and the allele ids are named after their registry."""
    return flat(subject, version, subject.species[0]) | {"mgi_allele_ids": None, "light_cycle": None}


def species_in_species(subject: Subject, version: str) -> dict:
    """Return 0.3.x: the species is an object, and so is its name."""
    name = {"name": subject.species[0]} | ({"abbreviation": None} if version == "0.3.3" else {})
    return flat(subject, version, {"name": name} | ncbi(subject.species[2])) | {"mgi_allele_ids": None}


def species_with_name(subject: Subject, version: str) -> dict:
    """Return 0.4 to 1.x: the species is an object with a name."""
    number = f"NCBI:txid{subject.species[2]}" if version.startswith("1") else subject.species[2]
    return flat(subject, version, {"name": subject.species[0]} | ncbi(number)) | {"alleles": [], "breeding_info": None}


def detailed(subject: Subject, version: str) -> dict:
    """Return 2.x: all properties except the id are in subject_details, and the strain is an object."""
    name, common_name, number = subject.species
    details = {
        "object_type": "Mouse subject",
        "sex": subject.sex,
        "date_of_birth": subject.born.isoformat(),
        "strain": {"name": subject.strain, "species": name, "registry": None, "registry_identifier": None},
        "species": {
            "name": name,
            "common_name": common_name,
            "registry": "National Center for Biotechnology Information (NCBI)",
            "registry_identifier": f"NCBI:txid{number}",
        },
        "alleles": [],
        "genotype": subject.genotype,
        "breeding_info": None,
        "wellness_reports": [],
        "housing": None,
        "source": {
            "name": "Hollin Bay Institute",
            "abbreviation": "HBI",
            "registry": None,
            "registry_identifier": None,
        },
        "restrictions": None,
        "rrid": None,
    }
    if subject.strain is None:
        details["strain"] = None
    return details_of(subject.id, version, details)


def details_of(subject_id: str, version: str, details: dict) -> dict:
    """Return the wrapper of 2.x around any subject_details."""
    return (
        {"object_type": "Subject"}
        | head(version)
        | {"subject_id": subject_id, "subject_details": details, "notes": None}
    )


SHAPES = {"0.2": species_as_text, "0.3": species_in_species, "0.4": species_with_name, "2": detailed}
# The complete response of a web service, and a subject inside a larger document.
WRAPPERS = {11: lambda content: {"message": "Valid model", "data": content}, 35: lambda content: {"subject": content}}


def oddities() -> dict[str, str]:
    """Return the folders without an animal, or without a valid file."""
    human = {"object_type": "Human subject", "sex": "Female", "year_of_birth": 1980,
             "source": {"name": "Hollin Bay Institute", "abbreviation": "HBI"}}  # fmt: skip
    phantom = {"object_type": "Calibration object", "empty": True, "objects": None,
               "description": "An empty chamber, run to measure the background"}  # fmt: skip
    return {
        "behavior_H-0417_2024-11-05_10-30-00": written(details_of("H-0417", "2.1.2", human)),
        "ecephys_phantom-01_2025-02-18_08-05-12": written(details_of("phantom-01", "2.2.1", phantom)),
        BROKEN: '{\n   "schema_version": "1.0.3",\n   "subject_id": "689120",\n   "date_of_birth": ',
        NOBODY: written({"message": "No subject found for 702244", "data": None}),
    }


BROKEN = "ecephys_689120_2023-06-21_14-02-47"
NOBODY = "SmartSPIM_702244_2024-02-29_11-45-00"
REJECTED = {
    f"{BROKEN}/subject.json": "not valid JSON: the file is incomplete",
    f"{NOBODY}/subject.json": "no subject: the response of a search without a result",
}
