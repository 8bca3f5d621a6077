"""Heat spreads over a plate in shared memory; each call computes one row of a step."""

from multiprocessing import Pool, RawArray

ROWS, COLUMNS, STEPS = 6, 8, 5


def keep(*plates):
    global shared
    shared = plates  # shared memory cannot be the argument of a call


def relax(step, i):
    old, new = shared[step % 2], shared[1 - step % 2]
    for j in range(1, COLUMNS - 1):
        at = i * COLUMNS + j
        new[at] = (old[at - COLUMNS] + old[at + COLUMNS] + old[at - 1] + old[at + 1]) / 4


if __name__ == "__main__":
    plates = [RawArray("d", ROWS * COLUMNS) for _ in range(2)]
    for plate in plates:
        plate[:COLUMNS] = [100.0] * COLUMNS  # the upper edge is hot
    with Pool(initializer=keep, initargs=plates) as pool:
        for step in range(STEPS):
            pool.starmap(relax, [(step, i) for i in range(1, ROWS - 1)])
    for i in range(ROWS):
        print(" ".join(f"{heat:.1f}" for heat in plates[STEPS % 2][i * COLUMNS : (i + 1) * COLUMNS]))
