"""Put load on a site and print the result: python -m tests.hosts.asking PORT TOKEN PATH…

The load ends when standard input is closed, at the latest after two minutes.
"""

import json
import select
import sys

from tests.stack.load import Load, learn

MOST_SECONDS = 120


def main() -> None:
    port, token, *paths = sys.argv[1:]
    questions = [learn(int(port), token, path, path) for path in paths]
    with Load(int(port), token, questions, threads=6) as load:
        print("begun", flush=True)
        select.select([sys.stdin], [], [], MOST_SECONDS)
    bad = [(seen.question, seen.outcome, seen.what, round(seen.ended, 1)) for seen in load.bad()]
    print(json.dumps({"requests": len(load.seen), "bad": bad, "summary": load.summary()}))


if __name__ == "__main__":
    main()
