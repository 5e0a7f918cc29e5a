"""Writes a large JSON document, always the same: the input of the trace `json`."""

import json
import random
import sys

random.seed(1)
words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]


def record(number):
    return {
        "id": number,
        "name": " ".join(random.choices(words, k=random.randint(1, 5))),
        "tags": random.choices(words, k=random.randint(0, 8)),
        "position": {"x": random.random(), "y": random.random()},
        "notes": "".join(random.choices("abcdefghij ", k=int(random.expovariate(1 / 80)))),
        "next": None if number % 5 else [random.randint(0, 10**9) for _ in range(random.randint(1, 12))],
    }


json.dump([record(number) for number in range(20_000)], sys.stdout)
