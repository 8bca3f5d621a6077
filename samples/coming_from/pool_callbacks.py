"""A pool, asynchronous calls, and a callback for each result and for each error."""

from multiprocessing import Pool

quotients, failures = [], []


def divide(a, b):
    return a // b


def on_result(quotient):
    quotients.append(quotient)


def on_error(error):
    failures.append(str(error))


if __name__ == "__main__":
    with Pool() as pool:
        calls = []
        for b in range(5):
            calls.append(pool.apply_async(divide, (12, b), callback=on_result, error_callback=on_error))
        for call in calls:
            call.wait()
    print("quotients:", *sorted(quotients))
    print("failures:", *failures)
