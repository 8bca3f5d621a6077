"""Ctrl-C ends the work of a pool in order."""

import os
import signal
import time
from multiprocessing import Pool, Queue


def begin(queue):
    global started
    started = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the workers, too


def work(number):
    started.put(number)
    time.sleep(3600)


if __name__ == "__main__":
    queue = Queue()
    with Pool(2, begin, (queue,)) as pool:
        try:
            calls = pool.map_async(work, range(2))
            for _ in range(2):
                queue.get()
            print("working", flush=True)
            os.kill(os.getpid(), signal.SIGINT)  # stands for Ctrl-C
            calls.get()
        except KeyboardInterrupt:
            pool.terminate()
            print("interrupted")
