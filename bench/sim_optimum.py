#!/usr/bin/env python3
"""What a planner who knows all arrivals would pay for a trace: a lower bound, from a mixed-integer program.

    ./dev bench sim --optima          all of tests/golden/sim/optimum.json anew (about half an hour)

The planner knows every job's arrival and service time. It launches workers, which take jobs `start` seconds later, and
ends them when it likes, at most `cap` at once; it pays a worker from launch to end. 95 of 100 jobs must begin within
`wait` of their arrival (as many as the nearest rank asks for); the others, of its choice, at any time, in any order.

Time is cut into slots. Unknowns for each slot t:

    n[t]   workers that are ready when it begins: whole numbers
    U[t]   workers that become ready in it          E[t]   workers that end in it         n[t+1] = n[t] + U[t] - E[t]
    R[t]   worker-time of ready workers in it, by its length: n[t] - E[t] <= R[t] <= n[t] + U[t]
    and for each class of service times (one, unless jobs differ):
    B[t]   jobs that have begun by its end          V[t]   work done on them by its end
    F[t]   of them in work at its end               h[t]   jobs whose last moment to begin is in it, and that are late

    least  sum R[t] length[t] + start * sum U[t] + work that is done after the last slot
    so that  B[t] <= jobs that have come by its end
             B[t] >= jobs, late ones aside, whose last moment to begin lies before its end;  sum h <= 5 in 100
             sum over classes (V[t] - V[t-1]) <= R[t] length[t];  all work is done in the end
             shortest * B[t] <= V[t] + longest * F[t];  V[t] <= longest * B[t];  sum over classes F[t] <= n[t+1]
             n[t] + (those that are certainly starting when it begins) <= cap

Every real plan gives values that fulfil all this at its own cost, so no plan is cheaper than the program's least cost.
What is relaxed: within a slot, work may come before its arrival and an end after its deadline; U and E may be
fractions; jobs are a fluid, and those of a class take anything from its shortest to its longest; after the last slot (a
minute and the wait after the last arrival) work costs no start. The number kept is the bound that the solver proved
("worker_seconds"), or the work and one start where that is more; "plan" is the best solution of the program that it
found, "gap" how far that is above the bound. HiGHS, one thread, is given TIME_LIMIT_S for each; a bound is valid
whenever it is stopped.
"""

import csv
import json
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import highspy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden/sim/optimum.json"

TRACES = ["burst-100", "burst-10", "step", "ramp", "daily", "flash", "on-off", "poisson", "heavy-tailed",
          "stale-metric"]
STARTS_S = [0.2, 20.0, 60.0]
WAITS_S = [1.0, 5.0, 30.0]
CAP, SERVICE_S, SEED = 20, 0.1, 1

LATE_SHARE = 0.05
SLOTS_IN_WAIT = {1.0: 2, 5.0: 5, 30.0: 6}
SLOTS_IN_WAIT_OF_A_BURST = 100
TAIL_S = 60.0
TIME_LIMIT_S = 20.0
GAP = 0.005
CLASS_RATIO = 2.0  # the longest service time of a class by its shortest
CLASSES_MAX = 8


def read_arrivals(binary: Path, trace: str) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals and service times in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "arrivals.csv"
        subprocess.run([binary, "sim", "--trace", trace, "--seed", str(SEED), "--service-s", str(SERVICE_S),
                        "--arrivals", file], check=True)
        rows = list(csv.reader(file.open()))[1:]
    return (np.array([float(row[0]) for row in rows]),
            np.array([float(row[1]) if len(row) > 1 else SERVICE_S for row in rows]))


def classes_of(services: np.ndarray) -> list[np.ndarray]:
    """The jobs by class of service time: for each class, which jobs are of it."""
    if services.min() == services.max():
        return [np.ones(len(services), bool)]
    level = np.minimum(np.floor(np.log(services / services.min()) / math.log(CLASS_RATIO)), CLASSES_MAX - 1)
    return [level == k for k in range(CLASSES_MAX) if (level == k).any()]


class Program:
    """A mixed-integer program, built variable by variable and row by row."""

    def __init__(self):
        self.cost, self.low, self.high, self.whole = [], [], [], []
        self.starts, self.index, self.value, self.row_low, self.row_high = [0], [], [], [], []

    def variable(self, low: float, high: float, cost: float = 0.0, whole: bool = False) -> int:
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        for index, value in terms:
            self.index.append(index)
            self.value.append(value)
        self.starts.append(len(self.index))
        self.row_low.append(low)
        self.row_high.append(high)

    def solve(self) -> tuple[float, float]:
        """The proved bound and the best solution's cost; infinity where there is none (or none was found in time)."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.row_low)
        lp.col_cost_, lp.col_lower_ = np.array(self.cost, float), np.array(self.low, float)
        lp.col_upper_ = np.array(self.high, float)
        lp.row_lower_, lp.row_upper_ = np.array(self.row_low, float), np.array(self.row_high, float)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(self.starts, np.int32)
        lp.a_matrix_.index_ = np.array(self.index, np.int32)
        lp.a_matrix_.value_ = np.array(self.value, float)
        kinds = highspy.HighsVarType
        lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in self.whole]
        solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("time_limit", TIME_LIMIT_S),
                              ("mip_rel_gap", GAP), ("random_seed", 1)):
            solver.setOptionValue(option, value)
        solver.passModel(lp)
        solver.run()
        if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
            return math.inf, math.inf
        info = solver.getInfo()
        found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        return info.mip_dual_bound, info.objective_function_value if found else math.inf


def slot_edges(arrivals: np.ndarray, wait_s: float) -> np.ndarray:
    first, last = arrivals[0], arrivals[-1]
    length = wait_s / (SLOTS_IN_WAIT_OF_A_BURST if first == last else SLOTS_IN_WAIT[wait_s])
    count = math.ceil((last - first + wait_s + (0 if first == last else TAIL_S)) / length) + 1
    return first + length * np.arange(count + 1)


def build(arrivals: np.ndarray, services: np.ndarray, start_s: float, wait_s: float) -> Program:
    program, inf = Program(), math.inf
    edges = slot_edges(arrivals, wait_s)
    slots, length = len(edges) - 1, edges[1] - edges[0]
    n = [program.variable(0, 0 if t == 0 else CAP, whole=True) for t in range(slots + 1)]
    up = [program.variable(0, CAP, start_s) for _ in range(slots)]
    end = [program.variable(0, CAP) for _ in range(slots)]
    ready = [program.variable(0, CAP, length) for _ in range(slots)]
    certain = int(start_s / length + 1e-9)  # slots that lie wholly within a start
    for t in range(slots):
        program.row([(n[t + 1], 1), (n[t], -1), (up[t], -1), (end[t], 1)], 0, 0)
        program.row([(ready[t], 1), (n[t], -1), (up[t], -1)], -inf, 0)
        program.row([(ready[t], 1), (n[t], -1), (end[t], 1)], 0, inf)
        program.row([(n[t], 1)] + [(up[k], 1) for k in range(t, min(t + certain, slots))], -inf, CAP)

    late, work_rows, in_work_rows = [], [[] for _ in range(slots)], [[] for _ in range(slots)]
    for members in classes_of(services):
        late += add_class(program, arrivals[members], services[members], edges, wait_s, work_rows, in_work_rows)
    for t in range(slots):
        program.row(work_rows[t] + [(ready[t], -length)], -inf, 0)
        program.row(in_work_rows[t] + [(n[t + 1], -1)], -inf, 0)
    program.row([(h, 1) for h in late], 0, len(arrivals) - math.ceil((1 - LATE_SHARE) * len(arrivals) - 1e-9))
    return program


def add_class(program: Program, arrivals: np.ndarray, services: np.ndarray, edges: np.ndarray, wait_s: float,
              work_rows: list, in_work_rows: list) -> list[int]:
    """Adds the jobs of one class and their part of the rows that all classes share; the variables of late jobs."""
    slots, shortest, longest, inf = len(edges) - 1, services.min(), services.max(), math.inf

    def slots_of(times: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(edges, times + 1e-9, "right") - 1, slots - 1)

    come = np.cumsum(np.bincount(slots_of(arrivals), minlength=slots))
    due = np.bincount(slots_of(arrivals + wait_s), minlength=slots)
    late, due_sum, work, begun = [], None, None, None
    for t in range(slots):
        before = due_sum, work, begun
        due_sum = program.variable(0, len(arrivals))  # jobs that must have begun by the end of this slot
        begun = program.variable(0, float(come[t]))
        work = program.variable(0, float(services.sum()))
        in_work = program.variable(0, CAP)
        terms = [(due_sum, 1)] + ([(before[0], -1)] if t else [])
        if due[t]:
            late.append(program.variable(0, float(due[t])))
            terms.append((late[-1], 1))
        program.row(terms, float(due[t]), float(due[t]))
        program.row([(begun, 1), (due_sum, -1)], 0, inf)
        program.row([(begun, shortest), (work, -1), (in_work, -longest)], -inf, 0)
        program.row([(work, 1), (begun, -longest)], -inf, 0)
        if t:
            program.row([(work, 1), (before[1], -1)], 0, inf)
            program.row([(begun, 1), (before[2], -1)], 0, inf)
            work_rows[t].append((before[1], -1))
        work_rows[t].append((work, 1))
        in_work_rows[t].append((in_work, 1))
    after = program.variable(0, inf, 1.0)  # work after the last slot
    program.row([(work, 1), (after, 1)], float(services.sum()), float(services.sum()))
    return late


def optimum(binary: Path, trace: str, start_s: float, wait_s: float) -> dict:
    arrivals, services = read_arrivals(binary, trace)
    program = build(arrivals, services, start_s, wait_s)
    bound, plan = program.solve()
    # Each job is worked on, and some worker has to be started for it.
    bound = max(bound, float(services.sum()) + start_s)
    slot_s = float(np.diff(slot_edges(arrivals, wait_s)[:2])[0])
    return {"trace": trace, "start_s": start_s, "wait_s": wait_s, "jobs": len(arrivals), "slot_s": round(slot_s, 4),
            "worker_seconds": round(bound, 3) if math.isfinite(bound) else None,
            "plan": round(plan, 3) if math.isfinite(plan) else None,
            "gap": round(max(0.0, plan / bound - 1), 4) if math.isfinite(plan) else None}


def write(optima: list[dict]) -> None:
    """One optimum a line, so that a change shows in a diff."""
    head = {"cap": CAP, "service_s": SERVICE_S, "seed": SEED, "solver": "HiGHS " + highspy.Highs().version()}
    lines = ",\n".join("  " + json.dumps(each) for each in optima)
    GOLDEN.write_text(json.dumps(head)[:-1] + ', "optima": [\n' + lines + "\n]}\n")


def solve_all(binary: Path, only: list[str] | None = None) -> list[dict]:
    cases = [(binary, trace, start_s, wait_s) for trace in only or TRACES for start_s in STARTS_S for wait_s in WAITS_S]
    optima = []
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
        for each in pool.starmap(optimum, cases, chunksize=1):
            print(json.dumps(each), file=sys.stderr, flush=True)
            optima.append(each)
    return optima


if __name__ == "__main__":
    write(solve_all(ROOT / "build/release/facefleet"))
