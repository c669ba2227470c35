"""A hook of MkDocs: pages of the site whose files lie outside of docs/.

Cards, notebooks and a few files of the checkout become pages. Links of Markdown, which
are right in the checkout, are rewritten to those pages; what no page shows (code,
tests) is named without a link.
"""

import importlib
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File
from nbconvert import MarkdownExporter

import medzoo

CHECKOUT = Path(__file__).parents[2]
ROOT_FILES = ("SECURITY.md", "CHANGELOG.md")
# `[text](target "title")`, and the same as a picture.
LINK = re.compile(r"(?P<mark>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
# Opened from a disk, a page may start no worker; the theme would fetch a substitute.
SHIM = "https://unpkg.com/iframe-worker/shim"
WORKER = "assets/worker.js"
# What the theme's script would fetch for diagrams, which no page has, and for browsers
# of before 2020.
FETCHED = re.compile(r"https://unpkg\.com/[^\s\"'`]*")
NOTHING = "data:,"
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


# Page of the API -> its title, and the module whose `__all__` it shows.
API = {
    "api/volumes.md": ("Volumes and files", "medzoo.spatial"),
    "api/preprocessing.md": ("Preprocessing", "medzoo.preprocessing"),
    "api/layers.md": ("Layers", "medzoo.layers"),
    "api/models.md": ("Networks", "medzoo.models"),
    "api/losses.md": ("Losses", "medzoo.losses"),
    "api/metrics.md": ("Metrics", "medzoo.metrics"),
}


def pages():
    """Yields the place in the site and the path in the checkout of further pages."""
    for card in sorted(CHECKOUT.glob("zoo_models/*/card.md")):
        yield f"zoo/{card.parent.name}.md", card
        for picture in card.parent.glob("*.png"):
            yield f"zoo/{card.parent.name}/{picture.name}", picture
    for notebook in sorted(CHECKOUT.glob("notebooks/*.ipynb")):
        yield f"notebooks/{notebook.stem}.md", notebook
    for name in ROOT_FILES:
        yield name, CHECKOUT / name


PLACES = {path: place for place, path in pages()}


def on_files(files, config):
    """Adds the pages to the site."""
    for place, path in pages():
        if path.suffix == ".ipynb":
            for part, content in notebook_files(place, path):
                files.append(File.generated(config, part, content=content))
        else:
            files.append(File.generated(config, place, abs_src_path=str(path)))
    worker = (Path(__file__).parent / "worker.js").read_text(encoding="utf-8")
    files.append(File.generated(config, WORKER, content=worker))
    for place, text in api_pages():
        files.append(File.generated(config, place, content=text))
    return files


def notebook_files(place, path):
    """Yields the files of a notebook with its outputs: Markdown, and its pictures."""
    folder = f"{path.stem}_files"
    settings = {"output_files_dir": folder, "unique_key": "picture"}
    text, found = MarkdownExporter().from_filename(str(path), dict(settings))
    # Links of a notebook are those of the folder that it lies in; its pictures are new.
    text = LINK.sub(
        lambda link: (
            link[0]
            if link["target"].startswith(folder)
            else rewritten(link, path, "notebooks")
        ),
        text,
    )
    yield place, text
    for name, content in found["outputs"].items():
        yield f"notebooks/{name}", content


def api_pages():
    """Yields place and Markdown of each page of the API, from what is public."""
    names = [name for name in medzoo.__all__ if name[0] != "_"]
    found = [getattr(medzoo, name) for name in names]
    functions = [thing for thing in found if not hasattr(thing, "__path__")]
    yield "api/main.md", api_page("medzoo", [f for f in functions if callable(f)])
    for place, (title, name) in API.items():
        module = importlib.import_module(name)
        things = [getattr(module, each) for each in module.__all__]
        yield place, api_page(title, [thing for thing in things if callable(thing)])
    errors = vars(medzoo.errors).values()
    own = [e for e in errors if getattr(e, "__module__", "") == "medzoo.errors"]
    yield "api/errors.md", api_page("Errors", own)


def api_page(title, things):
    """The docstrings of classes and functions, by the modules that define them."""
    entries = [f"::: {thing.__module__}.{thing.__qualname__}" for thing in things]
    return "\n\n".join([f"# {title}", *entries]) + "\n"


def on_page_markdown(markdown, page, config, files):
    """Rewrites links to what lies outside of docs/."""
    if page.file.abs_src_path is None:
        return markdown
    source = Path(page.file.abs_src_path)
    here = posixpath.dirname(page.file.src_uri)
    parts = CODE.split(markdown)
    parts[::2] = [
        LINK.sub(lambda found: rewritten(found, source, here), part)
        for part in parts[::2]
    ]
    return "".join(parts)


def rewritten(found, source, here):
    """A link of the checkout as the site has it.

    Args:
        found: match of `LINK`.
        source: path of the file that it stands in.
        here: str, the folder of the page in the site.
    """
    target, _, anchor = found["target"].partition("#")
    if not target or ":" in target:
        return found[0]
    path = (source.parent / target).resolve()
    if path == CHECKOUT / "README.md":
        place = "index.md"
    elif path in PLACES:
        place = PLACES[path]
    elif path.is_relative_to(CHECKOUT / "docs") and path.is_file():
        place = path.relative_to(CHECKOUT / "docs").as_posix()
    else:
        return found["text"]
    link = posixpath.relpath(place, here or ".")
    return f"{found['mark']}[{found['text']}]({link}{'#' + anchor if anchor else ''})"


def on_post_page(output, page, config):
    """Points at the substitute for workers that lies on the site."""
    return output.replace(
        SHIM, posixpath.relpath(WORKER, posixpath.dirname(page.url) or ".")
    )


def on_post_template(output_content, template_name, config):
    """Does the same for pages that are no page of Markdown: 404.html.

    A server gives it for any address, so that its links begin at the root.
    """
    return output_content.replace(SHIM, f"/{WORKER}")


def on_post_build(config):
    """Takes the addresses of content networks out of the theme's scripts."""
    scripts = Path(config["site_dir"], "assets", "javascripts")
    for path in scripts.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        if FETCHED.search(text):
            path.write_text(FETCHED.sub(NOTHING, text), encoding="utf-8")
    # They name the same addresses, and serve those who work on the theme.
    for path in scripts.rglob("*.map"):
        path.unlink()
