"""Which precision a training takes on the processor that is there."""

import pytest

from medzoo.training.precision import has_bfloat16, precision_here

AVX2 = "processor\t: 0\nflags\t\t: fpu avx avx2 fma\n"
AMX = "processor\t: 0\nflags\t\t: fpu avx2 avx512f amx_bf16\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


@pytest.fixture
def processor(tmp_path):
    def written(text):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize(("text", "has"), [(AVX2, False), (AMX, True), (ARM, True)])
def test_flags_tell_whether_a_processor_has_bfloat16(processor, text, has):
    assert has_bfloat16(processor(text)) is has


def test_nobody_tells_without_flags(processor, tmp_path):
    assert has_bfloat16(processor("model name: x\n")) is None
    assert has_bfloat16(tmp_path / "absent") is None


def test_a_recipe_in_bfloat16_is_trained_in_float32_where_there_is_none(processor):
    lines = []
    assert precision_here("mixed_bfloat16", lines.append, processor(AVX2)) == "float32"
    assert "no bfloat16" in lines[0]


@pytest.mark.parametrize("wanted", ["float32", "mixed_float16", None])
def test_other_precisions_stay(processor, wanted):
    lines = []
    assert precision_here(wanted, lines.append, processor(AVX2)) == wanted
    assert not lines


def test_bfloat16_stays_where_the_processor_has_it_or_nobody_tells(processor, tmp_path):
    for path in (processor(AMX), tmp_path / "absent"):
        assert precision_here("mixed_bfloat16", print, path) == "mixed_bfloat16"
