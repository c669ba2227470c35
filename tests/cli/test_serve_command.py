"""`medzoo serve`: what the command line makes of its arguments."""

import pytest

from medzoo.cli import serve_command
from tests.cli.conftest import error_line


@pytest.fixture
def served(monkeypatch):
    """A function that gives the server which the command would run."""
    from medzoo.cli.main import main

    def run(*arguments):
        found = []

        def take(server, listener, *, browse):
            listener.close()
            found.append((server, browse))

        monkeypatch.setattr("medzoo.serve.run.run", take)
        assert main(["serve", "--port", "0", *arguments]) == 0
        return found[0]

    return run


def test_the_usual_server_is_for_this_machine_alone(served):
    server, browse = served()

    assert server.loopback_only
    assert not browse
    assert "mrbrains_tissue_unet" in server.models
    assert server.limits.session_seconds == 3600
    assert not server.sessions.folder.exists()


def test_limits_and_models_are_chosen(served):
    server, browse = served(
        "ixi_age_resnet",
        *("--max-upload", "10", "--minutes", "5", "--browser"),
        *("--allow-host", "Box.Lab", "--host", "0.0.0.0"),
    )

    assert browse
    assert list(server.models) == ["ixi_age_resnet"]
    assert server.limits.upload_bytes == 10 << 20
    assert server.limits.session_seconds == 300
    assert server.hosts == ("box.lab",)
    assert not server.loopback_only


@pytest.mark.parametrize(
    "arguments",
    [
        ("no_such_model",),
        ("--port", "99999"),
        ("--minutes", "0"),
        ("--engine", "abacus"),
        ("ixi_age_resnet", "ixi_age_resnet"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, capsys):
    from medzoo.cli.main import main

    assert main(["serve", *arguments]) == 2
    error_line(capsys)


def test_without_the_extra_it_is_named(monkeypatch, capsys):
    from medzoo.cli.main import main

    monkeypatch.setattr(serve_command, "find_spec", lambda _: None)
    assert main(["serve"]) == 2
    assert "medzoo[serve]" in error_line(capsys)
