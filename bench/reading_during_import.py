"""Time pages of respondents alone and during an import, in the shell of a site: prints the median milliseconds as JSON.

bench/scale.py runs it, with the command of the import in the environment variable IMPORT.
"""

import json
import os
import shlex
import subprocess
import time
from statistics import median

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

PAGES = ("/admin/census/respondent/", "/explore/census/respondents/", "/api/census/respondents/?page_size=100")
ALONE = 5  # seconds
settings.DEBUG = False
user, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
client = Client(HTTP_HOST="localhost")
client.force_login(user)


def milliseconds(is_over):
    """Return the median time of a turn over all pages until *is_over* returns true."""
    times = []
    while not times or not is_over():
        start = time.perf_counter()
        for page in PAGES:
            assert client.get(page).status_code == 200, page
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


milliseconds(lambda: True)  # fill the caches
end = time.monotonic() + ALONE
alone = milliseconds(lambda: time.monotonic() > end)
process = subprocess.Popen(shlex.split(os.environ["IMPORT"]), stdout=subprocess.DEVNULL)
during = milliseconds(lambda: process.poll() is not None)
assert process.returncode == 0
print(json.dumps({"alone": alone, "during": during}))
