"""The precisions that a training may compute in."""

# Weights are float32 in all of them. bfloat16 has the range of float32; float16 has
# not, so its loss is scaled.
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
