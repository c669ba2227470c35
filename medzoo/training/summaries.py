"""TensorBoard summaries of a training."""

import time

from medzoo.io.png import encode_png


def summary_writer(folder, log=None):
    """Returns a `SummaryWriter`, or None where tensorboard is not installed.

    Args:
        folder: path, one a run.
        log: callable taking a line, or None; it gets a line on what to install.
    """
    try:
        return SummaryWriter(folder)
    except ImportError:
        if log is not None:
            log(
                'no TensorBoard: pip install "medzoo[train]" to see curves and pictures'
            )
        return None


class SummaryWriter:
    """Writes event files with tensorboard's own classes; TensorFlow is not needed.

    Args:
        folder: path, created if needed.

    Raises:
        ImportError: if tensorboard is not installed.
    """

    def __init__(self, folder):
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(folder), flush_secs=30)

    def scalars(self, values, step):
        """Adds numbers, dict of str -> float; "a/b" groups curves under a."""
        self._add(
            [{"tag": k, "simple_value": float(v)} for k, v in values.items()], step
        )

    def picture(self, name, picture, step):
        """Adds a picture, `(rows, columns)` or `(rows, columns, 3)` uint8."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        rows, columns = picture.shape[:2]
        image = Summary.Image(
            height=rows,
            width=columns,
            colorspace=1 if picture.ndim == 2 else 3,
            encoded_image_string=encode_png(picture),
        )
        self._add([{"tag": name, "image": image}], step)

    def close(self):
        """Writes what is not written yet."""
        self._writer.close()

    def _add(self, values, step):
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(**value) for value in values])
        event = Event(wall_time=time.time(), step=int(step), summary=summary)
        self._writer.add_event(event)
        self._writer.flush()
