"""A stand-in for the engine that needs no torch: ``python stand_in.py serve [--frugal]``.

First word of the prompt: die (killed in mid-job, unless frugal) | segfault (likewise, always) | bug, oom
(failed, unless frugal) | bad (failed, bad input) | full (failed, the disk) | stuck (works for ever, can be
cancelled) | deaf (works for ever, can't) | slow (a fifth of a second) | sleepy (three) | big (files of 300
KB) | anything else works. Each start of a job is a line in the file starts.txt beside the mesh: the job's
name, process, frugal. With STAND_IN=broken in the environment it ends at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from engine import protocol

FILES = ("texture.png", "mesh.glb", "views.png", "turntable.gif", "report.json")
FRUGAL = "--frugal" in sys.argv
REPORT = b'{"coverage": 0.5, "seam_error": 1.25, "view_psnr": 20.0}'
cancelled = threading.Event()
jobs: list[dict] = []
arrived = threading.Semaphore(0)


def say(kind: str, **fields: object) -> None:
    protocol.send(sys.stdout.buffer, protocol.message(kind, **fields))


def listen() -> None:
    for line in sys.stdin.buffer:
        msg = protocol.decode(line)
        if msg["kind"] == protocol.JOB:
            jobs.append(msg)
            arrived.release()
        elif msg["kind"] == protocol.CANCEL:
            cancelled.set()
    os._exit(protocol.EXIT_CANCELLED)


def do(job: dict) -> None:
    job_id, request = job["id"], job["request"]
    word = request["prompt"].split()[0]
    out = Path(request["out"])
    with (Path(request["mesh"]).parent / "starts.txt").open("a", encoding="utf-8") as starts:
        starts.write(f"{job_id}\t{os.getpid()}\t{FRUGAL}\n")
    say(protocol.STARTED, id=job_id)
    say(protocol.PROGRESS, id=job_id, stage="denoise", i=1, n=2, eta_s=0.1)
    if word == "segfault" or (word == "die" and not FRUGAL):
        os.kill(os.getpid(), signal.SIGSEGV if word == "segfault" else signal.SIGKILL)
    codes = {"bug": protocol.EXIT_BUG, "oom": protocol.EXIT_OUT_OF_MEMORY, "bad": protocol.EXIT_BAD_INPUT}
    codes["full"] = protocol.EXIT_DISK
    if word in ("bad", "full") or (word in codes and not FRUGAL):
        what = out if word == "full" else "it"
        say(protocol.FAILED, id=job_id, error=f"{what} is {word}", fix="mend it", code=codes[word])
        return
    time.sleep({"slow": 0.2, "sleepy": 3.0}.get(word, 0.0))
    if word == "stuck":
        cancelled.wait()
        say(protocol.CANCELLED, id=job_id)
        return
    if word == "deaf":
        time.sleep(1000)
    data = job_id.encode() * (100_000 if word == "big" else 1)
    try:
        for name in FILES:
            (out / name).write_bytes(REPORT if name == "report.json" else data)
    except OSError:
        say(
            protocol.FAILED,
            id=job_id,
            error=f"the disk with {out} is full",
            fix="free some",
            code=protocol.EXIT_DISK,
        )
        return
    texture, mesh, views, turntable, report = (str(out / name) for name in FILES)
    say(
        protocol.DONE,
        id=job_id,
        result={
            "texture": texture,
            "mesh": mesh,
            "views": views,
            "turntable": turntable,
            "report": report,
            "uvs": None,
            "warnings": [],
        },
    )


def main() -> None:
    if os.environ.get("STAND_IN") == "broken":
        print("libtorch is missing", file=sys.stderr)
        sys.exit(9)
    say(protocol.HELLO, version=protocol.VERSION, protocol=protocol.PROTOCOL, pid=os.getpid())
    threading.Thread(target=listen, daemon=True).start()
    while True:
        arrived.acquire()
        cancelled.clear()
        do(jobs.pop(0))


if __name__ == "__main__":
    main()
