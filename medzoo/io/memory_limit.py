"""Memory limit of one image."""

import os
from pathlib import Path

from medzoo.errors import ResourceError
from medzoo.io.refusal import refusal

MOST_BYTES = 8 << 30


def check_voxel_bytes(num_bytes, path):
    """Refuses an image whose voxels would take too much memory.

    Args:
        num_bytes: int, what the header promises.
        path: the file, for the message.

    Raises:
        ResourceError: above 8 GiB or half of the free memory.
    """
    limit = min(MOST_BYTES, free_memory() // 2)
    if num_bytes > limit:
        raise refusal(
            ResourceError,
            f"An image must not take more than {limit} bytes of memory "
            "(8 GiB, or half of what is free)",
            path,
            f"bytes={num_bytes}",
            "Crop or resample the image, or free memory.",
        )


def free_memory():
    """Bytes of memory available to this process; a large number where unknown."""
    found = (_system_free(), _control_group_free(), _process_free())
    known = [n for n in found if n is not None]
    return min(known, default=2 * MOST_BYTES)


def _system_free():
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # not Linux
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _process_free():
    """What `ulimit -v` leaves to this process."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        return max(0, limit - pages * resource.getpagesize())
    except (ImportError, OSError, ValueError, IndexError):
        return None


def _control_group_free():
    """A container's own limit, which /proc/meminfo does not show."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text("ascii"))
        used = int((folder / "memory.current").read_text("ascii"))
        # Files in the page cache count as used, but the kernel gives them back.
        stat = dict(
            line.split()
            for line in (folder / "memory.stat").read_text("ascii").splitlines()
        )
        used -= int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        return None
    return max(0, limit - used)
