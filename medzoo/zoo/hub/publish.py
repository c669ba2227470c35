"""Publishing: a model folder, complete and consistent, to a hub or another folder."""

from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import InputError, IntegrityError, MissingFileError
from medzoo.files import replace_atomically, sha256_of, write_text_atomically
from medzoo.transfer import with_patience
from medzoo.zoo.hub import client as hub
from medzoo.zoo.hub.model_card import CARD_FILE, render_hub_card
from medzoo.zoo.metrics_json import METRICS_FILE, read_metrics
from medzoo.zoo.recipe.code_files import code_files
from medzoo.zoo.recipe.hub_address import SCHEME, HubModel, is_hub_address, parse_model
from medzoo.zoo.recipe.schema import RECIPE_FILE, Recipe, read_recipe
from medzoo.zoo.recipe.strict_json import FILE_LIMIT
from medzoo.zoo.weights import scan_hdf5

# Published where they are there. Nothing else is: beside a model lie scans, runs and
# tables of cases, which are nobody's business.
_OPTIONAL = ("expected.json", "result.png")


@dataclass(frozen=True)
class Publication:
    """What is published, and where it went.

    Attributes:
        source: What a reader gives `medzoo.load`.
        files: Path of each file, by its published name; the card has none.
        card: Text of the card, published as README.md.
        is_new: Whether anything changed there; None for a dry run.
    """

    source: str
    files: dict[str, Path]
    card: str
    is_new: bool | None = None


def publish(
    source: str | Path,
    target: str | Path,
    *,
    private: bool | None = None,
    dry_run: bool = False,
) -> Publication:
    """Publishes a model folder, once: a second run changes nothing.

    The folder holds recipe.json, the weights that it names, and metrics.json of
    `medzoo evaluate`. A version that is published keeps its weights; others need
    another version.

    Args:
        source: path of the model folder.
        target: str or path: `hf://org/name`, made if it is not there, or a folder.
        private: bool or None, whether a repository that is made is private; None
            leaves that to the hub's settings.
        dry_run: bool, check everything here, and neither send nor write anything.

    Returns:
        `Publication`; its `source` is what `medzoo.load` takes, with the commit.

    Raises:
        InputError: if the target is none, or holds this version with other weights.
        IntegrityError: if the weights are not those that the recipe names, or harmful.
        MissingFileError: if recipe, weights or metrics are missing.
        OfflineError: if the hub cannot be reached.
        RecipeError: if the recipe breaks the schema; licence, intended use and limits
            are part of it.
    """
    folder = Path(source)
    recipe = read_recipe(folder)
    files = _checked_files(folder, recipe)
    if is_hub_address(target):
        model = parse_model(target)
        if "@" in target:
            raise InputError(
                f"A model is published to a repository, whose commits the hub makes. "
                f"Received: target={target}. Write {SCHEME}{model.repo}."
            )
        address = f"{SCHEME}{model.repo}"
        plan = Publication(address, files, render_hub_card(folder, address))
        return plan if dry_run else _to_hub(plan, model, recipe, private)
    _check_folder_target(folder, Path(target))
    plan = Publication(str(target), files, render_hub_card(folder, f"./{recipe.name}"))
    return plan if dry_run else _to_folder(plan, Path(target), recipe)


def _checked_files(folder: Path, recipe: Recipe) -> dict[str, Path]:
    """Gives the files to publish, each a plain file of this folder and right."""
    if recipe.weights is None:
        raise IntegrityError(
            f"A model must have weights to be published, in {folder}. Received: "
            f"weights=null. Train it, or write the folder with medzoo.save_recipe."
        )
    weights = recipe.weights["file"]
    codes = (recipe.target or {}).get("codes")
    needed = [RECIPE_FILE, weights, METRICS_FILE, *([codes] if codes else [])]
    # Tables of sources are needed to train it alone.
    optional = {*_OPTIONAL, *code_files(recipe.to_dict())} - set(needed)
    found = {}
    for name in (*needed, *sorted(optional)):
        path = folder / name
        if name in optional and not path.exists():
            continue
        if path.is_symlink() or not path.is_file():
            raise MissingFileError(
                f"A published model must have {name} as a file of its own. Received: "
                f"folder={folder}. {_how_to_make(name, folder)}"
            )
        if name != weights and path.stat().st_size > FILE_LIMIT:
            raise InputError(
                f"{name} must have at most {FILE_LIMIT} bytes to be published. "
                f"Received: bytes={path.stat().st_size} in {folder}. Make it smaller."
            )
        found[name] = path
    _check_weights(found[weights], recipe)
    if not read_metrics(folder, recipe)["metrics"]:
        raise InputError(
            f"A published model must have metrics, in {found[METRICS_FILE]}. Received: "
            f"none. {_how_to_make(METRICS_FILE, folder)}"
        )
    return found


def _how_to_make(name: str, folder: Path) -> str:
    if name == METRICS_FILE:
        return f"Run `medzoo evaluate {folder} --cases CASES.csv -o {folder / name}`."
    return "Put it there."


def _check_weights(path: Path, recipe: Recipe) -> None:
    """Refuses weights with another checksum or an unsafe structure."""
    facts = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    for key, value in facts.items():
        if value != recipe.weights[key]:
            raise IntegrityError(
                f"The weights must be those that recipe.json names, in {path}. "
                f"Received: {key}={value} instead of {recipe.weights[key]}. Write the "
                f"folder again, and measure again."
            )
    scan_hdf5(path)


def _check_same_version(old: dict | None, recipe: Recipe, target: object) -> None:
    """Refuses other weights under a version that is published already."""
    if old is None or (old.get("name"), old.get("version")) != (
        recipe.name,
        recipe.version,
    ):
        return
    digest = (old.get("weights") or {}).get("sha256")
    if digest != recipe.weights["sha256"]:
        raise InputError(
            f"A published version must keep its weights. Received: {recipe.name} "
            f"{recipe.version} with others than in {target}. Raise the version."
        )


def _check_folder_target(folder: Path, target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise InputError(
            f"A model is published to hf://ORG/NAME or to a folder. Received: "
            f"target={target}, a file. Name another."
        )
    if target.resolve() == folder.resolve():
        raise InputError(
            f"A model is published to another place than its own. Received: "
            f"target={target}. Name another."
        )


def _to_folder(plan: Publication, target: Path, recipe: Recipe) -> Publication:
    if (target / RECIPE_FILE).is_file():
        _check_same_version(read_recipe(target).to_dict(), recipe, target)
    target.mkdir(parents=True, exist_ok=True)
    is_new = False
    # The recipe last: who finds it finds all that it names.
    for name in sorted(plan.files, key=lambda name: name == RECIPE_FILE):
        source, place = plan.files[name], target / name
        if place.is_file() and sha256_of(place) == sha256_of(source):
            continue
        with replace_atomically(place) as temporary:
            temporary.write_bytes(source.read_bytes())
        is_new = True
    card = target / CARD_FILE
    if not card.is_file() or card.read_text(encoding="utf-8") != plan.card:
        write_text_atomically(card, plan.card)
        is_new = True
    return Publication(plan.source, plan.files, plan.card, is_new)


def _to_hub(plan, model: HubModel, recipe: Recipe, private) -> Publication:
    from medzoo.zoo.hub import upload as hub_upload

    if hub.is_offline():
        raise hub.forbidden(plan.source)
    with_patience(lambda: hub_upload.make_repository(model, private), plan.source)
    head, there = hub.list_files(model)
    old = hub_upload.published_recipe(HubModel(model.repo, head), there)
    _check_same_version(old, recipe, plan.source)
    contents = {**plan.files, CARD_FILE: plan.card.encode()}
    is_new = not hub_upload.is_published(contents, there)
    commit = head
    if is_new:
        title = f"{recipe.name} {recipe.version}"
        commit = with_patience(
            lambda: hub_upload.upload(model, contents, title), plan.source
        )
    source = str(HubModel(model.repo, commit))
    return Publication(source, plan.files, plan.card, is_new)
