#!/usr/bin/env python3
"""Every scaling policy on every trace of `facefleet sim`: start times of 0.2, 20 and 60 s, waits of 1, 5 and 30 s.

    ./dev bench sim [--optima] [--seed N] [--json FILE]

Each rival runs at its own defaults and tuned: with the cheapest point of a grid of its constants that holds the wait,
chosen for each trace, start and wait by hindsight. `default`, the policy that is ours, is told the wait and nothing
else. A policy holds the wait if 95 of 100 jobs begin within it and none is lost. Printed for each case: the cheapest
policy that holds, what `default` costs beside the cheapest rival (rival's cost = 1) and beside the optimum
(bench/sim_optimum.py), or that nobody holds; `facefleet sim --tuned --json FILE` has the rows behind it. With --optima
the optima are computed anew first, and the program is built again with them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sim_optimum
from runs import BINARY, machine

ROOT = Path(__file__).resolve().parent.parent
OURS = "default"
EVEN = 0.02  # costs that differ by less count as equal


def simulate(start_s: float, wait_s: float, seed: int) -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="facefleet-bench-") as folder:
        file = Path(folder) / "rows.json"
        subprocess.run([BINARY, "sim", "--tuned", "--start-s", str(start_s), "--wait-s", str(wait_s), "--seed",
                        str(seed), "--json", file], check=True, stdout=subprocess.DEVNULL)
        return json.loads(file.read_text())


def judge(rows: list[dict]) -> dict:
    """One trace at one start time and wait: who is cheapest of those that hold the wait, and how ours compares."""
    held = sorted((row for row in rows if row["held"]), key=lambda row: row["worker_seconds"])
    rivals = [row for row in held if row["policy"] != OURS]
    ours = next((row for row in rows if row["policy"] == OURS), None)
    verdict = {key: rows[0][key] for key in ("trace", "start_s", "wait_s")}
    verdict["cheapest"] = None
    if held:
        verdict["cheapest"] = held[0]["policy"] + (" (tuned)" if held[0]["tuned"] else "")
        verdict["worker_seconds"] = held[0]["worker_seconds"]
    if ours:
        verdict |= {"ours": ours["worker_seconds"], "ours_held": ours["held"], "ours_wait_p95_s": ours["wait_p95_s"],
                    "ours_to_optimum": ours["optimum_ratio"],
                    "ours_to_rival": ours["worker_seconds"] / rivals[0]["worker_seconds"] if rivals else None}
        if not held:
            verdict["ours_is_cheapest"] = None  # there is nobody to beat
        else:
            enough = (1 + EVEN) * held[0]["worker_seconds"]
            verdict["ours_is_cheapest"] = ours["held"] and ours["worker_seconds"] <= enough
    return verdict


def number(value: float | None, form: str = ".2f") -> str:
    return "-" if value is None else format(value, form)


def print_verdicts(verdicts: list[dict]) -> None:
    print(f"\n{'trace':<14}{'start s':>8}{'wait s':>7}  {'cheapest that holds':<30}{'worker-s':>10}{'ours':>10}"
          f"{'p95 s':>8}  {'holds':<6}{'x rival':>8}{'x opt':>7}")
    for each in verdicts:
        print(f"{each['trace']:<14}{each['start_s']:>8g}{each['wait_s']:>7g}  "
              f"{each['cheapest'] or 'nobody':<30}"
              f"{number(each.get('worker_seconds'), '.1f'):>10}{number(each.get('ours'), '.1f'):>10}"
              f"{number(each.get('ours_wait_p95_s')):>8}  {'yes' if each.get('ours_held') else 'no':<6}"
              f"{number(each.get('ours_to_rival')):>8}{number(each.get('ours_to_optimum')):>7}")


def print_sums(verdicts: list[dict]) -> None:
    judged = [each for each in verdicts if each.get("ours_is_cheapest") is not None]
    nobody = sum(each["cheapest"] is None for each in verdicts)
    won = sum(each["ours_is_cheapest"] for each in judged)
    print(f"\n{OURS} is the cheapest that holds (within {100 * EVEN:.0f} %) in {won} of the {len(judged)} cases in "
          f"which anybody holds the wait; nobody does in {nobody} of {len(verdicts)}")
    for each in judged:
        if not each["ours_is_cheapest"]:
            against = f"{each['ours']:.1f} against {each['worker_seconds']:.1f}"
            why = (against if each["ours_held"]
                   else f"it does not hold: p95 {each['ours_wait_p95_s']:.2f} s")
            print(f"  not on {each['trace']}, start {each['start_s']:g} s, wait {each['wait_s']:g} s: {why}; "
                  f"{each['cheapest']} does")


def compute_optima() -> None:
    sim_optimum.write(sim_optimum.solve_all(BINARY))
    subprocess.run(["cmake", "--build", ROOT / "build/release", "--target", "facefleet"], check=True,
                   stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench sim", description=__doc__.split("\n\n")[0])
    parser.add_argument("--optima", action="store_true", help="compute the optima anew first (half an hour)")
    parser.add_argument("--seed", type=int, default=1, help="of the traces; the optima are those of seed 1")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/sim.json")
    options = parser.parse_args()
    if options.optima:
        compute_optima()
    cases = [(start_s, wait_s, options.seed) for start_s in sim_optimum.STARTS_S for wait_s in sim_optimum.WAITS_S]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        rows = [row for case in pool.map(lambda case: simulate(*case), cases) for row in case]
    traces = list(dict.fromkeys(row["trace"] for row in rows))
    verdicts = [judge([row for row in rows
                       if (row["trace"], row["start_s"], row["wait_s"]) == (trace, start_s, wait_s)])
                for trace in traces for start_s, wait_s, _ in cases]
    where = machine()
    print(", ".join(f"{key} {value}" for key, value in where.items()))
    print_verdicts(verdicts)
    print_sums(verdicts)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join("  " + json.dumps(each) for each in verdicts)
    options.json.write_text(f'{{"machine": {json.dumps(where)},\n"verdicts": [\n{lines}\n]}}\n')
    return 0


if __name__ == "__main__":
    sys.exit(main())
