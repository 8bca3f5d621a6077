"""Waiting for many downloads in one loop, at most four at a time, and computing in worker processes."""

import asyncio
from concurrent.futures import ProcessPoolExecutor


async def fetch(name):
    await asyncio.sleep(0.01)  # stands for a download
    return name * 1000


def digest(text):
    value = 0
    for letter in text:
        value = (value * 31 + ord(letter)) % 2**32
    return value


async def handle(pool, limit, name):
    async with limit:
        text = await fetch(name)
    return await asyncio.get_running_loop().run_in_executor(pool, digest, text)


async def main():
    limit, names = asyncio.Semaphore(4), [f"page{i}" for i in range(12)]
    with ProcessPoolExecutor() as pool:
        digests = await asyncio.gather(*(handle(pool, limit, name) for name in names))
    for name, value in zip(names, digests):
        print(name, value)


if __name__ == "__main__":
    asyncio.run(main())
