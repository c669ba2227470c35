"""What sliding windows say they will hold is what they hold."""

import tracemalloc

import numpy as np
import pytest

from medzoo.errors import ResourceError
from medzoo.inference.memory_plan import MemoryPlan, long_axis
from medzoo.inference.sliding_window import sliding_window

RNG = np.random.default_rng(0)


def plan_of(x, window, outputs, batch_size, kept_bytes):
    return MemoryPlan(
        x.shape[:3], x.nbytes, window, x.shape[3], outputs, batch_size, kept_bytes
    )


@pytest.mark.parametrize("shape", [(90, 150, 130), (150, 90, 130), (90, 130, 150)])
@pytest.mark.parametrize("outputs", [3, 14])
def test_the_plan_is_what_is_held(shape, outputs):
    x = RNG.normal(size=(*shape, 1)).astype("f4")
    window = (48, 48, 48)

    def answer(batch):
        return np.repeat(batch, outputs, axis=-1)

    def finish(blended):
        return blended.argmax(-1).astype(np.uint8), blended[..., 0].astype(np.float16)

    tracemalloc.start()
    try:
        sliding_window(
            answer, x, window_size=window, overlap=0.5, batch_size=2, finish=finish
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    planned = plan_of(x, window, outputs, 2, 3).total - x.nbytes
    # More than is held by what finishing may need, a fixed amount, and little else.
    finishing = plan_of(x, window, outputs, 2, 3).parts["finishing"]
    assert peak <= planned
    assert planned <= 1.1 * peak + finishing


@pytest.mark.parametrize("outputs", [5, None])
def test_what_would_not_fit_is_refused_before_it_is_held(outputs):
    x = np.zeros((40, 64, 40, 1), "f4")
    asked = []

    def answer(batch):
        asked.append(len(batch))
        return np.zeros((*batch.shape[:4], 5), "f4")

    with pytest.raises(ResourceError) as refused:
        sliding_window(
            answer,
            x,
            window_size=(16, 16, 16),
            outputs=outputs,
            memory_limit=1_000_000,
        )

    # Where the number of outputs is not known, one answer tells.
    assert len(asked) == (0 if outputs else 1)
    message = str(refused.value)
    assert "16 planes of 5 outputs" in message
    assert "the volume" in message
    assert "Received: shape=(40, 64, 40)" in message
    plan = plan_of(x, (16, 16, 16), 5, 1, 20)
    for name, size in plan.parts.items():
        assert f"{size / 1e9:.3f} GB  {name}" in message


def test_what_fits_is_not_refused():
    x = np.zeros((40, 64, 40, 1), "f4")
    plan = plan_of(x, (16, 16, 16), 5, 1, 20)
    plan.check(plan.total)
    plan.check()
    with pytest.raises(ResourceError, match="together"):
        plan.check(plan.total - 1)


def test_a_whole_body_of_fourteen_classes_is_planned_below_six_gigabytes():
    plan = MemoryPlan(
        shape=(512, 512, 600),
        input_bytes=4 * 512 * 512 * 600,
        window=(96, 96, 96),
        channels=1,
        outputs=14,
        batch_size=1,
        kept_bytes=3,
        network_bytes=1_000_000_000,
    )
    assert 3e9 < plan.total < 5e9


def test_windows_go_along_the_first_of_the_longest_axes():
    assert long_axis((5, 7, 7)) == 1
    assert long_axis((7, 7, 7)) == 0
    assert long_axis((5, 6, 7)) == 2
