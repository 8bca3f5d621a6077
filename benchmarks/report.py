"""The output of a contender in Python, as report.hpp has it: one line per figure, which benchmarks/run reads."""

import os
import pathlib
import resource
import statistics
import time

quick = "CADRE_BENCHMARKS_QUICK" in os.environ


def report(case, value, unit):
    print(f"{case}\t{value:.6g}\t{unit}", flush=True)


def median_seconds(run, runs):
    """The median of several runs of `run`."""
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def report_memory():
    """At the end: the peak memory of the largest of this process and those that it waited for."""
    status = pathlib.Path("/proc/self/status").read_text().split()
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    report("peak memory", max(int(status[status.index("VmHWM:") + 1]), children), "kB")
