"""Metrics as lines for people."""


def metrics_text(found):
    """Returns what `evaluate` found as lines for people."""
    lines = [f"{found['model']} {found['version']}: {found['protocol']}"]
    tables = {"": found["metrics"]}
    tables.update({f"{k} baseline": v for k, v in found["baselines"].items()})
    tables.update(found["groups"])
    scanners = found.get("out_of_scanner", {})
    tables.update({f"{k}, left out of training": v for k, v in scanners.items()})
    for title, metrics in tables.items():
        if title:
            lines += ["", title]
        lines += [f"  {name:<28} {_number(entry)}" for name, entry in metrics.items()]
    return "\n".join(lines) + "\n"


def _number(entry):
    if entry["value"] is None:
        return "undefined"
    text = f"{entry['value']:.3f}"
    if entry["ci95"] is not None:
        text += " [{:.3f}, {:.3f}]".format(*entry["ci95"])
    return f"{text} {entry.get('unit', '')} (n={entry['n']})".replace("  ", " ")
