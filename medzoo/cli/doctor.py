"""The checks of `medzoo doctor`: each finds one fact, and says what to do about it."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from medzoo._version import __version__
from medzoo.files import cache_folder
from medzoo.io.memory_limit import free_memory

GIB = 1 << 30
# The largest model of the zoo takes about 6 GiB for a whole head (`medzoo info`).
ENOUGH_MEMORY = 8 * GIB
# Weights of all models, prepared scans of a small training.
ENOUGH_DISK = 5 * GIB
# A cold import of TensorFlow from a slow disk takes a minute.
PROBE_SECONDS = 180
# Extras that only serve those who work on medzoo itself.
OF_DEVELOPERS = ("bench", "test", "test-all")
# What decides how medzoo works, where it is set.
VARIABLES = (
    "MEDZOO_CACHE",
    "MEDZOO_MIRROR",
    "HF_HUB_OFFLINE",
    "HF_ENDPOINT",
    "KERAS_BACKEND",
    "KERAS_HOME",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
# Run in a process of its own: a backend that does not fit the processor ends it.
PROBE = """
import json
from medzoo.zoo.quiet_keras import import_keras
import_keras()
import keras
backend = keras.backend.backend()
try:
    devices = list(keras.distribution.list_devices())
except Exception:  # not every backend lists them
    devices = []
print(json.dumps([keras.__version__, backend, keras.config.floatx(), devices]))
"""


@dataclass(frozen=True)
class Check:
    """What was found about one subject.

    Attributes:
        subject: Of what, in one or two words.
        state: "ok", "note" (works, but there is something to know) or "fault".
        found: What is there.
        advice: What to do, or "".
    """

    subject: str
    state: str
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        """Gives plain JSON."""
        return asdict(self)


def examine(*, answers: bool = False) -> list[Check]:
    """Examines this installation; opens no connection and writes no file that stays.

    Args:
        answers: Whether each model is loaded, and its predictions compared.

    Returns:
        One check a subject, in the order in which they are worth reading.
    """
    return [
        _versions(),
        *_keras(),
        _processor(),
        _memory(),
        _extras(),
        _cache(),
        _zoo(answers),
        *_disks(),
        _environment(),
    ]


def _versions() -> Check:
    found = (
        f"medzoo {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}"
    )
    return Check("versions", "ok", found)


def _keras() -> list[Check]:
    """Keras and what it runs on, asked in a process of its own."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_SECONDS,
        )
        version, backend, floatx, devices = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        found = f"not imported within {PROBE_SECONDS} s"
        return [Check("keras", "fault", found, "Is the disk very slow, or full?")]
    except (ValueError, IndexError):
        return [_keras_fault(done)]
    advice = ""
    if floatx != "float32":
        advice = "Models are loaded in float32 nonetheless; see ~/.keras/keras.json."
    found = f"Keras {version} on {backend}, {floatx}"
    checks = [Check("keras", "note" if advice else "ok", found, advice)]
    return [*checks, _device(backend, devices)]


def _keras_fault(done: subprocess.CompletedProcess) -> Check:
    """What is said of a backend that does not start: its last line, or its signal."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode < 0:
        found = f"the backend ended the process (signal {-done.returncode})"
        advice = "The processor may lack what it was built for (AVX). Try another one."
    else:
        found = lines[-1][:300] if lines else f"exit code {done.returncode}"
        advice = "Install again: pip install --force-reinstall keras tensorflow"
    return Check("keras", "fault", found, advice)


def _device(backend: str, devices: list[str]) -> Check:
    accelerators = [name for name in devices if not name.startswith("cpu")]
    if accelerators:
        return Check("device", "ok", ", ".join(accelerators))
    found, advice = "CPU", ""
    if shutil.which("nvidia-smi"):
        advice = f"There is an NVIDIA driver, but {backend} sees no GPU: "
        advice += (
            'pip install "tensorflow[and-cuda]", or KERAS_BACKEND=jax with '
            '"jax[cuda12]".'
            if backend == "tensorflow"
            else f'install the GPU build of {backend}, as "{backend}[cuda12]".'
        )
    return Check("device", "note" if advice else "ok", found, advice)


def _processor() -> Check:
    from medzoo.data.feeds.prefetch import usable_cores

    cores, flags = usable_cores(), _processor_flags()
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    found = [name for name in known if name in flags]
    text = f"{cores} usable of {os.cpu_count()} cores"
    text += f"; {', '.join(found)}" if found else ""
    advice = ""
    if {"avx512_bf16", "amx_bf16"} & flags:
        advice = "Has bfloat16: --engine openvino --precision bfloat16 may be faster."
    return Check("processor", "ok", text, advice)


def _processor_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text("ascii", errors="replace")
    except OSError:  # not Linux
        return set()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(found.group(1).split()) if found else set()


def _memory() -> Check:
    free = free_memory()
    found = f"{free / GIB:.1f} GiB free"
    if free >= ENOUGH_MEMORY:
        return Check("memory", "ok", found)
    advice = (
        "brain_regions_unet takes about 6 GiB for a head at 1 mm, other models 1 to "
        "4 GiB: close other programs."
    )
    return Check("memory", "note", found, advice)


def _extras() -> Check:
    """The optional packages that are here, and how the others are installed."""
    try:
        needed = _packages_of_extras()
    except metadata.PackageNotFoundError:
        return Check("extras", "note", "medzoo is not installed, only on the path")
    complete = [name for name, packages in needed.items() if _all_here(packages)]
    missing = [name for name in needed if name not in complete]
    found = ", ".join(complete) or "none"
    advice = f"Not here: {', '.join(missing)}. " if missing else ""
    advice += f'To add one: pip install "medzoo[{missing[0]}]"' if missing else ""
    return Check("extras", "ok", found, advice)


def _packages_of_extras() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in metadata.requires("medzoo") or []:
        requirement, _, condition = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", condition)
        package = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
        if extra and package and extra.group(1) not in OF_DEVELOPERS:
            found.setdefault(extra.group(1), []).append(package.group())
    return found


def _all_here(packages: list[str]) -> bool:
    try:
        return all(metadata.version(package) for package in packages)
    except metadata.PackageNotFoundError:
        return False


def _cache() -> Check:
    folder = cache_folder()
    held = sum(_size(path) for path in folder.rglob("*")) if folder.is_dir() else 0
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    found = f"{folder}, {held / GIB:.2f} GiB"
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        advice = "Set MEDZOO_CACHE to a folder that you may write to."
        return Check("cache", "fault", f"{found}, not writable", advice)
    return Check("cache", "ok", found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # of a process that is just moving it
        return 0


def _zoo(answers: bool) -> Check:
    from medzoo.zoo.verify import verify

    findings = verify(answers=answers)
    counts = {
        state: [f.subject for f in findings if f.state == state]
        for state in ("ok", "absent", "fault")
    }
    verified = "verified, answers too" if answers else "verified"
    found = f"{len(counts['ok'])} models and weights files {verified}"
    if counts["fault"]:
        found += f"; damaged: {', '.join(counts['fault'])}"
        advice = f"See medzoo verify; then medzoo fetch {counts['fault'][0]}"
        return Check("zoo", "fault", found, advice)
    if counts["absent"]:
        found += f"; weights not here: {', '.join(counts['absent'])}"
        return Check("zoo", "note", found, "With a network: medzoo fetch --all")
    return Check("zoo", "ok", found)


def _disks() -> list[Check]:
    """Free space where medzoo writes; places on one disk are told once."""
    places = {
        "cache": cache_folder(),
        "working folder": Path.cwd(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    disks: dict[int, list[str]] = {}
    free: dict[int, int] = {}
    for name, place in places.items():
        existing = next(p for p in (place, *place.parents) if p.exists())
        device = existing.stat().st_dev
        disks.setdefault(device, []).append(name)
        free[device] = shutil.disk_usage(existing).free
    return [
        Check(
            "disk",
            "ok" if free[device] >= ENOUGH_DISK else "note",
            f"{free[device] / GIB:.1f} GiB free ({', '.join(names)})",
            "" if free[device] >= ENOUGH_DISK else "Make room before a training.",
        )
        for device, names in disks.items()
    ]


def _environment() -> Check:
    found = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    # What doctor prints is sent to others: a mirror's password is not for them.
    shown = re.sub(r"//[^/@\s]*@", "//...@", ", ".join(found))
    return Check("environment", "ok", shown or "nothing set")
