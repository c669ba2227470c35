"""What a training says while scans are prepared."""


def every_twentieth(log):
    """Returns a callable `(done, total)` that logs every twentieth scan and the last.

    Args:
        log: callable taking a line.
    """

    def progress(done, total):
        if done % 20 == 0 or done == total:
            log(f"prepared {done} of {total}")

    return progress
