"""Runs a command and adds a line to seconds.csv: python3 timed.py NAME COMMAND ...

The line: NAME, elapsed seconds, seconds of processor time, and the most physical
memory in MiB. Processor time hardly depends on what else the machine does."""

import os
import subprocess
import sys
import time

began = time.monotonic()
with open("log.txt", "ab") as log:
    process = subprocess.Popen(sys.argv[2:], stdout=log)
    _, status, used = os.wait4(process.pid, 0)
code = os.waitstatus_to_exitcode(status)
if code == 0:
    with open("seconds.csv", "a") as out:
        out.write(f"{sys.argv[1]},{time.monotonic() - began:.1f},"
                  f"{used.ru_utime + used.ru_stime:.1f},{used.ru_maxrss / 1024:.0f}\n")
sys.exit(code if code >= 0 else 1)
