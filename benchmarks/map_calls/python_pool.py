"""The calls through multiprocessing.Pool.map.

The calls of 1 and 10 us are left out: the same loop takes a hundred times as long in Python.
"""

import multiprocessing
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from report import median_seconds, quick, report, report_memory

calls = 10_000 if quick else 1_000_000
single_calls = calls // 10  # a rate, and a million single calls take half a minute


def square(x):
    return x * x


def measure(workers):
    name = f", {workers} worker" + ("s" if workers > 1 else "")

    def rate(n, chunk):
        def run():
            results = pool.map(square, range(n), chunk)
            assert len(results) == n and results[n - 1] == (n - 1) ** 2

        return n / median_seconds(run, 3)

    with multiprocessing.Pool(workers) as pool:
        pool.map(square, range(calls // 10))  # the workers have started
        report("chunk 1" + name, rate(single_calls, 1), "calls/s")
        report("automatic" + name, rate(calls, None), "calls/s")
        pool.close()
        pool.join()


if __name__ == "__main__":
    for workers in (1, 2):
        measure(workers)
    report_memory()
