"""An engine that nobody should trust: ``python hostile_engine.py [-I ENGINE] serve``, run by Blender.

It does what tests/addon/fake_engine.py does, and then, by the number in the prompt ("case 7"), says and
writes something else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from tests.bench.fuzz import mutate, odd  # noqa: E402

_spec = importlib.util.spec_from_file_location("fake_engine", ROOT / "tests/addon/fake_engine.py")
fake = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake)

WAYS = (
    ("result",) * 5
    + ("file",) * 4
    + ("message",) * 3
    + ("warnings", "failed", "preview", "bytes", "garbage")
    + (
        *(
            "flood",
            "one line",
            "line without end",
            "silence",
            "dies",
            "hello",
            "twice",
            "early",
            "other arrays",
        ),
    )
)
HARMED = ("texture.png", "views.png", "uvs.npy", "report.json")
LONG_LINE = 400_000_000  # bytes


def way_of(seed: int) -> tuple[Random, str]:
    """What the case does; the generator that decides the rest."""
    rng = Random(f"engine-{seed}")
    return rng, rng.choice(WAYS)


class HostileEngine(fake.Engine):
    def write(self, data: bytes) -> None:
        with self.lock:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def job(self, ident: str, request: Any) -> None:
        seed = int(request.prompt.split()[1])
        rng, way = way_of(seed)
        notes: list[str] = []
        outside = request.prompt.split()[2]
        begin = [{"kind": "started", "id": ident}]
        begin += [
            {"kind": "progress", "id": ident, "stage": "denoise", "i": i, "n": 3, "eta_s": 0.1}
            for i in range(3)
        ]
        done = {"kind": "done", "id": ident, "result": self.result(request, "works").as_dict()}
        if rng.random() < 0.2:
            done["result"]["textures"] = [fake.protocol.Texture(done["result"]["texture"]).__dict__]
        self.misuse(rng, way, [*begin, done], Path(request.out), Path(outside), notes)

    def misuse(
        self, rng: Random, way: str, messages: list[Any], out: Path, outside: Path, notes: list[str]
    ) -> None:
        done, ident = messages[-1], messages[-1]["id"]
        if way in ("file", "other arrays"):
            _harm_files(rng, way, out, outside, notes)
        elif way == "result":
            done["result"] = odd.faulty(rng, done["result"], notes)
        elif way == "message":
            at = rng.randrange(len(messages))
            messages[at] = odd.faulty(rng, messages[at], notes)
        elif way == "warnings":
            done["result"]["warnings"] = rng.choice(
                (
                    [odd.text(rng) for _ in range(5)],
                    ["x" * 10**6],
                    ["y"] * 10**5,
                    [odd.value(rng)],
                    odd.value(rng),
                )
            )
        elif way == "failed":
            failed = {"kind": "failed", "id": ident, "error": "It went wrong", "fix": "Do better", "code": 2}
            messages[-1] = odd.faulty(rng, failed, notes)
        elif way == "preview":
            good = {"textures": [{"path": done["result"]["texture"]}], "uvs": [None]}
            messages[1:1] = [{"kind": "preview", "id": ident, "preview": odd.faulty(rng, good, notes)}] * 3
        elif way == "twice":
            messages += [done, {"kind": "failed", "id": ident, "error": "no", "fix": "", "code": 1}, done]
        elif way == "early":
            messages.insert(0, messages.pop())
        Path(os.environ["HOSTILE_NOTES"]).write_text(json.dumps(notes), encoding="utf-8")
        lines = [odd.dumped(rng, one, str(outside)).replace(b"\n", b" ") + b"\n" for one in messages]
        if way == "bytes":
            at = rng.randrange(len(lines))
            lines[at] = mutate.damaged(rng, lines[at], notes)
        for number, line in enumerate(lines):
            if number == 1:
                self.interrupt(rng, way)
            self.write(line)

    def interrupt(self, rng: Random, way: str) -> None:
        """What comes between its messages, or in their place."""
        if way == "garbage":
            self.write(
                rng.choice(
                    (
                        b"\n" * 9999,
                        b"loading 100%\r" * 9999 + b"\n",
                        rng.randbytes(9999) + b"\n",
                        b'{"kind"\n',
                    )
                )
            )
        while way == "flood":
            self.write(rng.choice((b"so it goes\n", b"{}\n", b"\x00", b'{"kind": 7}\n')) * 1000)
        if way in ("one line", "line without end"):
            piece = b"x" * 1_000_000
            for _ in range(LONG_LINE // len(piece)):
                self.write(piece)
            self.write(b"\n" if way == "one line" else b"")
        if way in ("silence", "line without end"):
            time.sleep(3600)
        if way == "dies":
            print("\x1b[31mit was\x1b[0m\n" * 500 + "a" * 10**6, file=sys.stderr, flush=True)
            if rng.random() < 0.5:
                os._exit(rng.choice((0, 1, 7, 255)))
            os.kill(os.getpid(), rng.choice((signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)))


def _harm_files(rng: Random, way: str, out: Path, outside: Path, notes: list[str]) -> None:
    """One of the files that the result names is another than it should be."""
    paths = [path for path in sorted(out.iterdir()) if path.name in HARMED]
    arrays = [path for path in paths if path.suffix == ".npy"]
    path = rng.choice(arrays or paths if way == "other arrays" else paths)
    if rng.random() < 0.3 and way == "file":
        mutate.plant(rng, path, outside, notes)
    else:
        notes.append(path.name)
        path.write_bytes(_harmed(rng, path, notes))


def _harmed(rng: Random, path: Path, notes: list[str]) -> bytes:
    if rng.random() < 0.4:
        return mutate.damaged(rng, path.read_bytes(), notes)
    if path.suffix == ".png":
        return rng.choice((_lying_png(rng), b"GIF89a" + bytes(99)))
    if path.suffix == ".json":
        return rng.choice((odd.dumped(rng, odd.value(rng)), b"[" * 10**5))
    old = fake.np.load(path)
    others = (
        old[:-1],
        old * fake.np.nan,
        old * 1e30,
        old.astype("f8"),
        old[..., :1],
        old.astype("U9"),
        old[:0],
    )
    return _npy(rng.choice(others)) if rng.random() < 0.6 else _lying_npy(rng)


def _npy(array: Any) -> bytes:
    import io

    buffer = io.BytesIO()
    fake.np.save(buffer, array)
    return buffer.getvalue()


def _lying_npy(rng: Random) -> bytes:
    shape = rng.choice(("(2147483647, 3, 2)", "(1099511627776, 3, 2)", "(-1, 3, 2)", "()", "(12,)"))
    kind = rng.choice(("'<f4'", "'|O'", "'<U9'"))
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(999)


def _lying_png(rng: Random) -> bytes:
    from tests.bench.fuzz import samples

    width, height = (rng.choice((0, 1, 30_000, 100_000, 2**31 - 1)) for _ in range(2))
    return samples.png(width, height, rng.choice((8, 16, 1)), rng.choice((0, 2, 3, 6)), rng.randbytes(200))


def main() -> None:
    engine = HostileEngine()
    said = os.environ.get("HOSTILE_HELLO")
    if said:
        engine.write(said.encode() + b"\n")
    engine.serve()


if __name__ == "__main__":
    main()
