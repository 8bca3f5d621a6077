"""The calls through concurrent.futures.ProcessPoolExecutor.map, which has no automatic chunks: it gets those that
multiprocessing.Pool makes, four for each worker.

The calls of 1 and 10 us are left out, as for multiprocessing.Pool.
"""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from report import median_seconds, quick, report, report_memory

calls = 10_000 if quick else 1_000_000
single_calls = calls // 200  # a rate, and a million single calls take minutes


def square(x):
    return x * x


def measure(workers):
    name = f", {workers} worker" + ("s" if workers > 1 else "")

    def rate(n, chunk):
        def run():
            results = list(pool.map(square, range(n), chunksize=chunk))
            assert len(results) == n and results[n - 1] == (n - 1) ** 2

        return n / median_seconds(run, 3)

    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        list(pool.map(square, range(calls // 10), chunksize=100))  # the workers have started
        report("chunk 1" + name, rate(single_calls, 1), "calls/s")
        report("automatic" + name, rate(calls, -(-calls // (4 * workers))), "calls/s")


if __name__ == "__main__":
    for workers in (1, 2):
        measure(workers)
    report_memory()
