"""What benchmarks share: the machine they ran on, memory, tables."""

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path

PACKAGES = ("keras", "tensorflow", "jax", "torch", "torchio", "SimpleITK", "numpy")


def hold_to_cores(count):
    """Leaves every library the same cores; before any of them is imported."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["OMP_NUM_THREADS"] = str(count)
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(count)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def describe_machine(cores):
    """What the numbers were measured on, as a dict."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        entries = {}
        for line in info.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            entries[key.strip()] = value.strip()
        cpu = f"{entries.get('model name', cpu)} (model {entries.get('model')})"
    return {
        "cpu": cpu,
        "cores": cores,
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "keras_backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "versions": {
            name: importlib.metadata.version(name)
            for name in PACKAGES
            if importlib.util.find_spec(name)
        },
    }


def peak_memory_mb(run):
    """Memory at the peak of a call over that before it; None where not known."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    before = _memory_mb("VmRSS")
    # Forgets the peak so far.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    run()
    return round(_memory_mb("VmHWM") - before)


def _memory_mb(name):
    """An entry of this process' status, which Linux gives in KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    entry = next(line for line in status if line.startswith(name))
    return int(entry.split()[1]) / 1024


def table(title, rows, columns):
    """Prints rows, dicts by name; times to the millisecond."""
    say("")
    say(f"{title:44}" + "".join(f"{c.replace('_', ' '):>18}" for c in columns))
    for name, row in rows.items():
        values = [row.get(column) for column in columns]
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
        say(f"{name:44}" + "".join(f"{cell:>18}" for cell in cells))


def say(line):
    """Writes a line to standard output."""
    sys.stdout.write(line + "\n")
