"""Postprocessing steps whose parameters are measured in training."""


def with_steps(recipe, steps):
    """Returns the recipe with what was measured in its postprocessing steps.

    A step "familiarity" that nothing was measured for is left out: its numbers would
    be made up.
    """
    return {
        **recipe,
        "postprocessing": [
            {**step, "arguments": {**step["arguments"], **steps[step["step"]]}}
            if steps.get(step["step"])
            else step
            for step in recipe["postprocessing"]
            if step["step"] != "familiarity" or steps["familiarity"]
        ],
    }
