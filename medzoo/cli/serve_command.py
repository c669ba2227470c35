"""`medzoo serve [NAME...]`: a local web interface, and its JSON API."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from importlib.util import find_spec

from medzoo.cli.parser import add_engine, add_threads
from medzoo.errors import InputError

MIB = 1 << 20
NEEDED = ("fastapi", "uvicorn")


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a model to offer (see `medzoo list`), NAME@VERSION, a model folder, or "
        "hf://ORG/REPO[@REVISION]; default: the whole zoo",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to bind to (default: %(default)s, which only this machine "
        "reaches; the connection is not encrypted)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="default: 8765, or the next that is free; 0 for any",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which browsers reach this machine, where it is no address",
    )
    parser.add_argument(
        "--browser", action="store_true", help="open the page in a browser"
    )
    _add_limits(parser)
    add_threads(parser)
    add_engine(parser)


def _add_limits(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--max-upload",
        type=_positive,
        default=2048,
        metavar="MIB",
        help="largest scan (default: %(default)s)",
    )
    parser.add_argument(
        "--minutes",
        type=_positive,
        default=60,
        metavar="N",
        help="minutes of inactivity after which a session and its data are deleted "
        "(default: %(default)s)",
    )


def run(values: Namespace) -> int:
    """Serves until interrupted; gives the exit code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"medzoo serve needs the extra serve. Received: {missing[0]} is not "
            "installed. Install it with pip install 'medzoo[serve]'."
        )
    from medzoo.inference.engine import check_engine
    from medzoo.serve.limits import Limits
    from medzoo.serve.run import is_loopback, listen, run
    from medzoo.serve.server import make_server
    from medzoo.zoo.quiet_keras import limit_threads

    check_engine(values.engine, values.precision)
    limit_threads(values.threads)
    upload = values.max_upload * MIB
    limits = Limits(
        upload_bytes=upload,
        session_bytes=max(3 * upload, Limits.session_bytes),
        session_seconds=values.minutes * 60.0,
    )
    server = make_server(
        values.names,
        limits=limits,
        engine=values.engine,
        precision=values.precision,
        hosts=[name.lower() for name in values.allow_host],
        loopback_only=is_loopback(values.host),
    )
    try:
        run(server, listen(values.host, values.port), browse=values.browser)
    finally:
        server.end()
    return 0


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise ArgumentTypeError(f"must be a whole number to 65535. Received: {text!r}")


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise ArgumentTypeError(f"must be a whole number above 0. Received: {text!r}")
