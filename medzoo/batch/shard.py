"""Shards: a cohort divided among independent processes."""

from medzoo.errors import InputError

MOST_SHARDS = 100_000


def check_shard(shard):
    """Returns a shard as two integers.

    Args:
        shard: (number, count), the number from 1 to the count.

    Raises:
        InputError: for anything else.
    """
    try:
        number, count = shard
        valid = number == int(number) and count == int(count)
        valid = valid and 1 <= number <= count <= MOST_SHARDS
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise InputError(
            "A shard must be its number and how many there are, 1/20 to 20/20. "
            f"Received: shard={shard!r}. Use "
            "--shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT with --array=1-20."
        )
    return int(number), int(count)


def share_of(items, shard):
    """Returns the items of a shard: every n-th, so that neighbours are spread.

    Cases of one scanner, which take as long as each other, usually lie side by side.
    Each item is in exactly one shard of the same list.

    Args:
        items: list.
        shard: tuple of two int, or None for all.
    """
    if shard is None:
        return list(items)
    number, count = shard
    return list(items)[number - 1 :: count]
