# The same with a pool of two processes: pipeline.py FILE
import multiprocessing
import sys
import time


def pieces_of(file):
    with open(file, "rb") as text:
        while piece := text.read(1 << 20):
            yield piece + text.readline()


def parse(piece):
    stations = {}
    for line in piece.decode().splitlines():
        name, degrees = line.split(";")
        degrees = float(degrees)
        found = stations.get(name)
        if found is None:
            stations[name] = [degrees, degrees, degrees, 1]
        else:
            if degrees < found[0]:
                found[0] = degrees
            if degrees > found[1]:
                found[1] = degrees
            found[2] += degrees
            found[3] += 1
    return stations


def aggregate(file):
    total = {}
    with multiprocessing.Pool(2) as pool:
        for stations in pool.imap_unordered(parse, pieces_of(file)):
            for name, (lowest, highest, sum_, count) in stations.items():
                found = total.setdefault(name, [lowest, highest, 0.0, 0])
                found[0] = min(found[0], lowest)
                found[1] = max(found[1], highest)
                found[2] += sum_
                found[3] += count
    return total


if __name__ == "__main__":
    begin = time.perf_counter()
    total = aggregate(sys.argv[1])
    print(sum(t[3] for t in total.values()), "lines,", len(total), "stations")
    print(f"{time.perf_counter() - begin:.3f} s", file=sys.stderr)
