"""Files beside a recipe: tables that say which class a label of a map is."""

from typing import Any


def code_files(content: dict[str, Any]) -> list[str]:
    """Returns the names of the tables of codes that a recipe has, each once.

    Args:
        content: The recipe's content. Its target has a table, and so may each source
            of its training.
    """
    training = content.get("training") or {}
    sources = (training.get("options") or {}).get("sources") or {}
    holders = [content.get("target") or {}, *sources.values()]
    named = [holder.get("codes") for holder in holders if isinstance(holder, dict)]
    return list(dict.fromkeys(name for name in named if name))
