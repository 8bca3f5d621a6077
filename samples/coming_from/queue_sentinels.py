"""Producers and consumers. Each consumer ends at a sentinel of its own."""

from multiprocessing import Process, Queue


def produce(numbers, first):
    for number in range(first, first + 100):
        numbers.put(number)


def consume(numbers, totals):
    total = 0
    while (number := numbers.get()) is not None:
        total += number
    totals.put(total)


if __name__ == "__main__":
    numbers, totals = Queue(8), Queue()
    producers = [Process(target=produce, args=(numbers, first)) for first in (0, 100)]
    consumers = [Process(target=consume, args=(numbers, totals)) for _ in range(3)]
    for process in producers + consumers:
        process.start()
    for producer in producers:
        producer.join()
    for _ in consumers:
        numbers.put(None)
    print("total:", sum(totals.get() for _ in consumers))
    for consumer in consumers:
        consumer.join()
