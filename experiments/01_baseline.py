"""Ask whether the shipped model beats simple baselines, out of sample on real data.

usage: python experiments/01_baseline.py DATA [EPISODES]
"""

from __future__ import annotations

import sys

import regime


def main(data: str, episodes: str | None = None) -> None:
    result = regime.run("us_macro.yaml", data=data, episodes=episodes, out="out/01_baseline")
    print(result.scores.table.drop(columns=["days"]).round(4).to_string())
    print(result.summary["scores"]["verdict"])


if __name__ == "__main__":
    main(*sys.argv[1:])
