"""Workers wait for the start, then compute in steps; none begins a step before all have ended the one before."""

from multiprocessing import Array, Barrier, Event, Process


def work(index, start, barrier, cells):
    start.wait()
    for _ in range(4):
        total = cells[index] + cells[(index + 1) % len(cells)]
        barrier.wait()  # all have read
        cells[index] = total
        barrier.wait()  # all have written


if __name__ == "__main__":
    cells = Array("i", [1, 2, 3], lock=False)
    start, barrier = Event(), Barrier(len(cells))
    workers = [Process(target=work, args=(index, start, barrier, cells)) for index in range(len(cells))]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join()
    print(*cells)
