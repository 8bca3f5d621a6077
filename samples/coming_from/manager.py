"""A dictionary that all workers change, under a lock."""

from multiprocessing import Manager, Pool

TEXTS = ["the cat sat on the mat", "the dog sat on the log", "the cat and the dog"]


def count(text, counts, lock):
    with lock:
        for letter in text:
            counts[letter] = counts.get(letter, 0) + 1


if __name__ == "__main__":
    with Manager() as manager, Pool() as pool:
        counts, lock = manager.dict(), manager.Lock()
        pool.starmap(count, [(text, counts, lock) for text in TEXTS])
        for letter, times in sorted(counts.items()):
            print(letter, times)
