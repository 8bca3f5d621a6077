"""The same with Python's Manager: each access to the dictionary is a message to the manager's process, and a worker that is
killed while it holds the lock would stop all others."""

import multiprocessing
import time

BLOCKS = 100
WORDS_PER_BLOCK = 2000


def words_of_block(block):
    random = block + 1
    for _ in range(WORDS_PER_BLOCK):
        random = (random * 6364136223846793005 + 1442695040888963407) % 2**64
        yield f"word{5000 // ((random >> 40) % 5000 + 1)}"


def count_block(arguments):
    counts, lock, block = arguments
    with lock:
        for word in words_of_block(block):
            counts[word] = counts.get(word, 0) + 1


if __name__ == "__main__":
    with multiprocessing.Manager() as manager, multiprocessing.Pool() as pool:
        counts, lock = manager.dict(), manager.Lock()
        begin = time.monotonic()
        pool.map(count_block, [(counts, lock, block) for block in range(BLOCKS)])
        took = time.monotonic() - begin
        result = sorted(counts.items(), key=lambda item: -item[1])
        print(sum(times for _, times in result), "words,", len(result), "different")
        for word, times in result[:5]:
            print(word, times)
        print(f"{took:.2f} s")
