"""A connection in both directions between the program and a worker."""

from multiprocessing import Pipe, Process


def serve(connection):
    while (request := connection.recv()) is not None:
        connection.send(request.upper())
    connection.close()


if __name__ == "__main__":
    here, there = Pipe()
    server = Process(target=serve, args=(there,))
    server.start()
    for word in ("one", "two", "three"):
        here.send(word)
        print(here.recv())
    here.send(None)
    server.join()
