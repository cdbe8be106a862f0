"""Compare the site with a model of its tables: after any sequence of steps, both have the same content.

``make test-model EXAMPLES=500`` takes as many sequences of 100 steps. The suite takes a short one. Every sequence
begins with rare events, so that no check of them depends on chance. A failing sequence is printed as it is; SHRINK=1
looks for a shorter one, which takes many minutes.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.rare_events import RARE, RareEventsSite
from tests.model.site import DONE

pytestmark = pytest.mark.django_db


def test_the_site_equals_the_model():
    examples = os.environ.get("EXAMPLES")
    run_state_machine_as_test(
        RareEventsSite,
        settings=settings(
            max_examples=int(examples or 1),
            derandomize=not examples,  # the suite's sequence is the same each time
            database=None,
            stateful_step_count=100 if examples else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            report_multiple_bugs=False,
            phases=list(Phase) if "SHRINK" in os.environ else [Phase.generate],
        ),
    )
    assert {what for what, count in DONE.items() if count} >= RARE
    print(f"\nThe sequences met: {', '.join(f'{count} {what}' for what, count in sorted(DONE.items()))}.")
