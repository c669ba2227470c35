"""What benchmarks share: the machine they ran on, memory, tables."""

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
# Flags of /proc/cpuinfo, of x86 and of ARM, that decide how fast products are.
INSTRUCTIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 bfloat16",
    "amx_bf16": "AMX bfloat16",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "bfloat16",
}
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
    if entries := _processor():
        cpu = f"{entries.get('model name', cpu)} (model {entries.get('model')})"
    return {
        "cpu": cpu,
        "instructions": instructions(),
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


def instructions(entries=None):
    """Returns the processor's vector instructions, a list of str; empty if unknown.

    Args:
        entries: dict of /proc/cpuinfo's names and values; None reads them.
    """
    entries = _processor() if entries is None else entries
    flags = (entries.get("flags") or entries.get("Features") or "").split()
    return [name for flag, name in INSTRUCTIONS.items() if flag in flags]


def kind_of_processor(entries=None):
    """Returns a short name of what the processor can, as "x86_64-avx2"."""
    words = instructions(entries)
    # The widest of each sort.
    words = [w for w in words if not (w == "AVX2" and "AVX-512" in words)]
    named = [platform.machine(), *words]
    return "-".join(w.lower().replace("-", "").replace(" ", "-") for w in named)


def results_folder():
    """Returns the folder for results of this kind of processor, made if needed."""
    folder = RESULTS / kind_of_processor()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _processor():
    """The last entries of /proc/cpuinfo, a dict; empty where there is none."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return {}
    lines = info.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, _, value in pairs if value}


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
    """Prints rows, dicts by name, and what processor they are of; times to the ms."""
    say("")
    say(f"on {', '.join(instructions()) or 'an unknown processor'}:")
    say(f"{title:44}" + "".join(f"{c.replace('_', ' '):>18}" for c in columns))
    for name, row in rows.items():
        values = [row.get(column) for column in columns]
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
        say(f"{name:44}" + "".join(f"{cell:>18}" for cell in cells))


def say(line):
    """Writes a line to standard output."""
    sys.stdout.write(line + "\n")
