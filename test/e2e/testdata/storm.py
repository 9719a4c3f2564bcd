"""Makes spans from threads, forks and a signal handler at once; every process says how many it made.

    storm.py THREADS SPANS_EACH FORKS SPANS_EACH

At the end it waits for its input to be closed.
"""

import os
import signal
import sys
import threading
import time

import lumigo_opentelemetry


@lumigo_opentelemetry.lumigo_wrapped
def work(label):
    pass


def say(text):
    os.write(1, (text + "\n").encode())  # not print: its lock may be held by a thread that a fork left behind


def main():
    threads, each, forks, each_fork = map(int, sys.argv[1:5])
    by_signal = []
    by_thread = []

    def on_alarm(*_):
        work("signal")
        by_signal.append(1)

    def thread():
        for number in range(each):
            work(number)
        by_thread.append(each)

    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    running = [threading.Thread(target=thread) for _ in range(threads)]
    for t in running:
        t.start()
    children = []
    for number in range(forks):
        pid = os.fork()
        if pid == 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for label in range(each_fork):
                work(label)
            say("made %d" % each_fork)
            if number % 2:
                os._exit(0)  # as multiprocessing ends
            return  # as a program ends
        children.append(pid)
        work("parent")
    for t in running:
        t.join()
    signal.setitimer(signal.ITIMER_REAL, 0)
    for pid in children:
        _, status = os.waitpid(pid, 0)
        if status:
            say("child ended with %d" % status)
    say("made %d" % (sum(by_thread) + len(by_signal) + forks))
    say("storm over")
    began = time.monotonic()
    sys.stdin.read()
    say("calm %s" % (time.monotonic() >= began))


main()
