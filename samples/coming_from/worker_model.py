"""A model that is dear to load: each worker loads it once."""

from multiprocessing import Pool


class Model:
    def __init__(self, size):
        self.weights = [i * i % 7 for i in range(size)]

    def predict(self, x):
        return sum(weight * (x + i) for i, weight in enumerate(self.weights)) % 100


def load(size):
    global model
    model = Model(size)


def predict(x):
    return model.predict(x)


if __name__ == "__main__":
    with Pool(initializer=load, initargs=(1000,)) as pool:
        print(*pool.map(predict, range(8)))
