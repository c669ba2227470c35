"""Numerical precision of training."""

from pathlib import Path

# Weights are float32 in all of them. bfloat16 has the range of float32; float16 has
# not, so its loss is scaled.
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Flags of /proc/cpuinfo, of x86 and of ARM, with which products in bfloat16 are fast.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
CPUINFO = Path("/proc/cpuinfo")


def has_bfloat16(cpuinfo=CPUINFO):
    """Returns whether the processor computes in bfloat16; None where it is unknown."""
    try:
        text = Path(cpuinfo).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    flags = [
        line.partition(":")[2].split()
        for line in text.splitlines()
        if line.lower().startswith(("flags", "features"))
    ]
    return bool(BFLOAT16_FLAGS & set(flags[0])) if flags else None


def precision_here(wanted, log, cpuinfo=CPUINFO):
    """Returns the precision in which a recipe is trained on this machine.

    A processor without bfloat16 emulates it: a step of the regions' network took ten
    times as long as in float32, see docs/decisions/networks-and-training.md.

    Args:
        wanted: str or None, the recipe's `dtype`.
        log: callable taking a line.
        cpuinfo: path of the system's description of its processor.

    Returns:
        str of `PRECISIONS`, or None.
    """
    if wanted != "mixed_bfloat16" or has_bfloat16(cpuinfo) is not False:
        return wanted
    if _has_accelerator():
        return wanted
    log(
        "this processor has no bfloat16: training in float32 "
        "(--precision mixed_bfloat16 insists)"
    )
    return "float32"


def _has_accelerator():
    """Whether the backend has more than a CPU; True where that is unknown."""
    import keras

    try:
        devices = keras.distribution.list_devices()
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        return True
    return any(not device.lower().startswith("cpu") for device in devices)
