"""Runs the command line again and again, each time in a child of a process that has everything loaded, under the shim.

Reads one JSON request a line: arguments, mode, errno, number of the call; answers how it ended. See host.py.
"""

from __future__ import annotations

import ctypes
import json
import os
import pkgutil
import signal
import sys
from importlib import import_module

import airgap
from airgap.cli.main import main

for _module in pkgutil.walk_packages(airgap.__path__, "airgap."):
    if not _module.name.endswith("__main__"):
        import_module(_module.name)
for _late in ("concurrent.futures.thread", "tempfile", "shutil", "encodings.idna"):
    import_module(_late)

shim = ctypes.CDLL(None)
shim.faults_last.restype = ctypes.c_char_p
shim.faults_count.restype = shim.faults_fired.restype = ctypes.c_long


def answer(request: dict[str, object]) -> dict[str, object]:
    shim.faults_root(str(request["root"]).encode())
    child = os.fork()
    if child == 0:
        _be(request)
    _, status = os.waitpid(child, 0)
    shim_left = {"count": shim.faults_count(), "fired": shim.faults_fired(), "last": shim.faults_last().decode()}
    shim.faults_arm(0, 0, ctypes.c_long(0))
    return {"code": os.waitstatus_to_exitcode(status), **shim_left}


def _be(request: dict[str, object]) -> None:
    """The child: its standard streams are files outside of the root, and faults begin when the program does."""
    arguments, output = request["arguments"], str(request["output"])
    assert isinstance(arguments, list)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(f"{output}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
    sys.argv = ["airgap", *map(str, arguments)]
    os.environ["TMPDIR"] = str(request["temporary"])
    shim.faults_arm(request["mode"], request["error"], ctypes.c_long(int(str(request["at"]))))
    try:
        main(confined=False)  # opening its places would be one more call that fails
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
