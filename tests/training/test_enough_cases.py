"""What a training would lack at its end is told before it begins."""

import pytest

from medzoo.data.cases.case import Case
from medzoo.errors import InputError, RecipeError
from medzoo.training.enough_cases import check_enough, check_enough_images


def number_recipe(task="regression", **architecture):
    recipe = {
        "name": "tiny",
        "task": task,
        "architecture": {"class": "Ensemble3D", "arguments": architecture},
        "postprocessing": [{"step": "interval", "arguments": {"coverage": 0.5}}],
        "training": {"split": {"num_folds": 2, "seed": 0}},
    }
    return recipe | ({"class_names": ["f", "m"]} if task == "classification" else {})


def cases_of(sources, people=None):
    return [
        Case(f"c{i}", {}, columns={"source": source}, subject=(people or {}).get(i))
        for i, source in enumerate(sources)
    ]


def test_few_errors_or_people_are_told():
    check_enough(number_recipe(), cases_of("a" * 8), range(8))
    with pytest.raises(InputError, match="subjects=1"):
        check_enough(
            number_recipe(), cases_of("aaa", dict.fromkeys(range(3), "p")), [1] * 3
        )
    recipe = number_recipe()
    recipe["postprocessing"][0]["arguments"]["coverage"] = 0.99
    with pytest.raises(RecipeError):
        check_enough(recipe, cases_of("a" * 8), range(8))


def test_a_class_of_one_fold_is_told():
    recipe = number_recipe("classification")
    check_enough(recipe, cases_of("a" * 8), [0, 1] * 4)
    with pytest.raises(
        InputError, match=r"1 cases of class 'm', all of people of fold"
    ):
        check_enough(recipe, cases_of("a" * 8), [0] * 7 + [1])
    with pytest.raises(InputError, match=r"0 cases of class 'f'\. "):
        check_enough(recipe, cases_of("a" * 8), [1] * 8)


def test_a_scanner_that_cannot_be_left_out_is_told():
    recipe = number_recipe(known_contrasts={})
    check_enough(recipe, cases_of("aaaaaaaa"), range(8))
    check_enough(recipe, cases_of("aaaaabbb"), range(8))
    check_enough(number_recipe(), cases_of("aaaaaaab"), range(8))
    with pytest.raises(InputError, match=r"1 without source='a'"):
        check_enough(recipe, cases_of("aaaaaaab"), range(8))
    recipe = number_recipe("classification", known_contrasts={})
    check_enough(recipe, cases_of("aaaabbbb"), [0, 1] * 4)
    with pytest.raises(InputError, match=r"'m', all of people of source='a'"):
        check_enough(recipe, cases_of("aaaabbbb"), [0, 1, 0, 1, 0, 0, 0, 0])


def test_people_on_two_scanners_are_left_out_with_either():
    recipe = number_recipe(known_contrasts={})
    # Whoever is on both: two people are left without the scanner a, on any scanner.
    both = {0: "p", 5: "p", 1: "q", 6: "q"}
    check_enough(recipe, cases_of("aaaaabbbbb", {0: "p", 5: "p"}), range(10))
    with pytest.raises(RecipeError, match="2 without source='a'"):
        check_enough(recipe, cases_of("aaaaabbbb", both), range(9))
    recipe = number_recipe("classification", known_contrasts={})
    men = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0]
    check_enough(recipe, cases_of("aaaaabbbbb"), men)
    with pytest.raises(InputError, match=r"4 .*'m', all of people of source='a'"):
        check_enough(recipe, cases_of("aaaaabbbbb", both), men)


def test_intervals_need_people_before_any_training():
    # Eight scans without the largest fold, of two people.
    sessions = {i: f"p{i // 4}" for i in range(16)}
    with pytest.raises(RecipeError, match="2 without fold"):
        check_enough(number_recipe(), cases_of("a" * 16, sessions), range(16))
    # Errors enough at home, and too few without a scanner.
    with pytest.raises(RecipeError, match="2 without source='a'"):
        check_enough(number_recipe(known_contrasts={}), cases_of("aaaabb"), range(6))


def test_images_of_one_person_or_for_validation_alone_are_told():
    recipe = {"task": "segmentation", "training": {"split": {}}}
    check_enough_images(recipe, cases_of("aa"))
    with pytest.raises(InputError, match="2 cases of one"):
        check_enough_images(recipe, cases_of("aa", {0: "p", 1: "p"}))
    held_out = {"task": "segmentation", "training": {"split": {"validation": ["c0"]}}}
    check_enough_images(held_out, cases_of("aa"))
    with pytest.raises(InputError, match="all of them for validation"):
        check_enough_images(held_out, cases_of("a"))
