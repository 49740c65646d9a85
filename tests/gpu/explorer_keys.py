"""explorer_keys.py EXPLORER DB COUNT [OPTION...]: what a person waits for.

Runs the explorer in a pseudo-terminal, moves the preference COUNT times by arrow keys,
and prints from each key the time to the first bytes that come back and to the last ones
before a silence: the figures are then complete. Exit status 1 where a key is never
answered, or the explorer does not end when it is told to.
"""

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import termios
import time

SILENCE = 0.15  # seconds without bytes: nothing more comes
PATIENCE = 20.0
KEYS = (b"\x1b[C", b"\x1b[A", b"\x1b[D", b"\x1b[B")


def start(command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    return pid, terminal


def settle(terminal, begun, silence=SILENCE):
    """Seconds from `begun` to the first and to the last bytes before a silence."""
    first = last = None
    while True:
        now = time.perf_counter()
        if last is not None and now - last > silence:
            return first - begun, last - begun
        if last is None and now - begun > PATIENCE:
            return None
        ready, _, _ = select.select([terminal], [], [], 0.001)
        if not ready:
            continue
        try:
            if not os.read(terminal, 1 << 16):
                return None
        except OSError:
            return None
        last = time.perf_counter()
        first = first or last


def row(name, seconds):
    ordered = sorted(1e3 * s for s in seconds)
    at = [ordered[0], statistics.median(ordered), ordered[len(ordered) * 9 // 10], ordered[-1]]
    print(f"{name:26}" + "".join(f"{x:10.1f}" for x in at))


def main():
    explorer, database, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    begun = time.perf_counter()
    pid, terminal = start([explorer, database, *sys.argv[4:]])
    opened = settle(terminal, begun, 1.5)
    if opened is None:
        print("the explorer shows nothing")
        return 1
    print(f"open: first bytes after {1e3 * opened[0]:.0f} ms, quiet after {1e3 * opened[1]:.0f} ms")
    first, whole = [], []
    for i in range(count):
        begun = time.perf_counter()
        os.write(terminal, KEYS[i % len(KEYS)])
        answer = settle(terminal, begun)
        if answer is None:
            print(f"key {i + 1} is not answered")
            return 1
        first.append(answer[0])
        whole.append(answer[1])
    print(f"{count} keys, ms" + " " * 12 + "     least    median       90 %      most")
    row("key to first bytes", first)
    row("key to complete figures", whole)
    os.write(terminal, b"q")
    end = time.time() + PATIENCE
    while time.time() < end:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        try:
            if ready and not os.read(terminal, 1 << 16):
                break
        except OSError:
            break
    while time.time() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    print("the explorer does not end")
    os.kill(pid, 9)
    return 1


if __name__ == "__main__":
    sys.exit(main())
