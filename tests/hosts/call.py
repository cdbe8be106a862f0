"""Send a request and print its JSON: python -m tests.hosts.call TOKEN URL [NAME=VALUE | files=@PATH]…"""

import sys
from contextlib import ExitStack
from pathlib import Path

import requests


def main() -> None:
    token, url, *form = sys.argv[1:]
    pairs = [field.split("=", 1) for field in form]
    with ExitStack() as opened:
        files = [
            (name, (Path(value[1:]).name, opened.enter_context(open(value[1:], "rb"))))
            for name, value in pairs
            if value.startswith("@")
        ]
        fields = {name: value for name, value in pairs if not value.startswith("@")}
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(
            "POST" if form else "GET", url, headers=headers, data=fields, files=files or None, timeout=60
        )
    print(answer.text)


if __name__ == "__main__":
    main()
