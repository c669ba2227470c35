"""The page of the API: its OpenAPI description as HTML that fetches nothing."""

from medzoo.reporting.markup import Markup, element

METHODS = ("get", "put", "post", "delete")
EXAMPLE = """\
import httpx

api = httpx.Client(base_url="http://127.0.0.1:8765/api/v1", timeout=600)
opened = api.post("/session", headers={"Authorization": f"Bearer {TOKEN}"}).json()
api.headers["Authorization"] = f"Bearer {opened['session']}"

with open("scan.nii.gz", "rb") as file:
    scan = api.put("/scans", params={"name": "scan.nii.gz"}, content=file.read()).json()
wanted = {"models": ["mrbrains_tissue_unet"], "channels": {"t1": scan["id"]}}
job = api.post("/jobs", json=wanted).json()
while job["state"] in ("queued", "running"):
    job = api.get(f"/jobs/{job['id']}").json()
print(api.get(f"/jobs/{job['id']}/results.csv").text)
api.delete("/session")
"""


def api_page(description: dict) -> str:
    """Writes the page.

    Args:
        description: OpenAPI document of the application.
    """
    info = description["info"]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "medzoo: API"),
        Markup('<link rel="stylesheet" href="/files/report.css">'),
        Markup('<link rel="stylesheet" href="/files/serve.css">'),
    )
    document = element("a", "OpenAPI document", href="/api/v1/openapi.json")
    body = element(
        "main",
        element("h1", f"medzoo {info['version']}: API"),
        element("p", info["description"]),
        element("p", document, " · ", element("a", "Page", href="/")),
        element("h2", "Example"),
        element("pre", element("code", EXAMPLE), tabindex=0),
        element("h2", "Operations"),
        [_operation(*one) for one in _operations(description)],
        element("h2", "What requests and answers hold"),
        [_schema(*one) for one in sorted(description["components"]["schemas"].items())],
    )
    page = element("html", head, element("body", body, class_="plain"), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _operations(description: dict) -> list[tuple[str, str, dict]]:
    return [
        (method, path, operations[method])
        for path, operations in description["paths"].items()
        for method in METHODS
        if method in operations
    ]


def _operation(method: str, path: str, about: dict) -> Markup:
    code = element("code", f"{method.upper()} {path}")
    takes = [_content(about.get("requestBody", {}))]
    takes += [f"{p['name']} ({p['in']})" for p in about.get("parameters", [])]
    gives = [
        f"{status} {_content(answer)}".strip()
        for status, answer in about["responses"].items()
    ]
    return element(
        "section",
        element("h3", code),
        element("p", about.get("description") or about.get("summary", "")),
        element("p", "Takes: ", ", ".join(filter(None, takes)) or "nothing", "."),
        element("p", "Gives: ", ", ".join(gives), "."),
    )


def _content(part: dict) -> str:
    """The type of a body in one word."""
    for kind, about in part.get("content", {}).items():
        return _type(about.get("schema", {})) or kind
    return ""


def _schema(name: str, about: dict) -> Markup:
    rows = [
        element(
            "tr",
            element("th", field, scope="row"),
            element("td", _type(kind)),
            element("td", "required" if field in about.get("required", ()) else ""),
        )
        for field, kind in about.get("properties", {}).items()
    ]
    table = element("table", element("tbody", rows))
    text = element("p", about.get("description", ""))
    return element("section", element("h3", element("code", name)), text, table)


def _type(schema: dict) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'anything'}"
    inner = schema.get("additionalProperties")
    if kind == "object" and isinstance(inner, dict):
        return f"name to {_type(inner) or 'anything'}"
    return kind
