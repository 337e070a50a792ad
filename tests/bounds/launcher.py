"""Starts a command with little address space, and writes how it ended and its peak memory into a file.

A process of its own: Linux counts the memory of the one that forks into the peak of the one that is started.
Arguments: the file, the bytes of address space, the command.
"""

import json
import os
import resource
import sys

report, addresses, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    os.execv(command[0], command)
_, status, usage = os.wait4(child, 0)
with open(report, "w", encoding="ascii") as file:
    json.dump({"code": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss * 1024}, file)
