import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import medzoo
from medzoo.cli import main as main_module
from medzoo.cli.cards_command import write_or_check
from medzoo.cli.main import COMMANDS, main
from medzoo.errors import InputError, MedzooWarning
from medzoo.io import write
from tests.cli.conftest import error_line


@pytest.fixture
def command(monkeypatch):
    """A function that makes a command `probe` of a function, and runs it in main."""

    def run(function):
        module = SimpleNamespace(add_arguments=lambda _: None, run=function)
        monkeypatch.setitem(sys.modules, "medzoo.cli.probe_command", module)
        monkeypatch.setitem(COMMANDS, "probe", ("probe_command", "probe"))
        return main(["probe"])

    return run


def test_list_prints_a_table(medzoo_command):
    result = medzoo_command("list")

    assert result.returncode == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["name", "version", "task", "licence", "summary"]
    assert [line.split()[0] for line in lines[1:4]] == [
        "knee",
        "tiny_age",
        "tiny_age_two",
    ]
    starts = {line.index("1.2") for line in lines[1:4]}
    assert starts == {lines[0].index("version")}
    assert "covers the code only" in lines[-1]


def test_list_json(medzoo_command):
    rows = json.loads(medzoo_command("list", "--json").stdout)

    assert [row["name"] for row in rows] == ["knee", "tiny_age", "tiny_age_two"]
    assert rows[0]["licence"] == "CC-BY-SA-3.0"


def test_info_json_is_what_info_gives(medzoo_command, model):
    result = medzoo_command("info", "tiny_age", "--json")

    assert result.returncode == 0
    assert json.loads(result.stdout) == medzoo.info(model)


def test_info_sheet(model, capsys):
    assert main(["info", str(model)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "tiny_age", "1.2"]
    assert any(line.split() == ["unit", "years"] for line in lines)
    assert any("covers the code only" in line for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("info",),
        ("predict", "a.nii.gz"),
        ("evaluate", "--cases", "cases.csv"),
        ("train", "--cases", "cases.csv", "-o", "out"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_unknown_model_is_one_line_with_three_names(
    medzoo_command, arguments, tmp_path
):
    result = medzoo_command(arguments[0], "tiny_agee", *arguments[1:], cwd=tmp_path)

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("medzoo: error: ")
    assert "Nearest names: tiny_age, tiny_age_two, knee." in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--engine", "abacus"), "engine='abacus'"),
        (("--precision", "bfloat16"), "precision='bfloat16'"),
        (("--engine", "openvino", "--precision", "int1"), "precision='int1'"),
    ],
)
def test_an_engine_that_there_is_not_is_one_line_and_2(
    model, arguments, said, tmp_path, capsys
):
    given = ["predict", str(model), str(tmp_path / "no.nii"), *arguments]
    assert main(given) == 2
    assert said in error_line(capsys)


def test_unknown_model_is_refused_before_anything_heavy(checkout):
    program = (
        "import sys\n"
        "from medzoo.cli.main import main\n"
        "assert main(['predict', 'tiny_agee', 'a.nii.gz']) == 2\n"
        "heavy = {'keras', 'numpy', 'h5py', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["prdict"],
        ["--colour"],
        ["list", "--jso"],
        ["list", "extra"],
        ["info"],
        ["info", "../tiny_age"],
        ["predict"],
        ["predict", "x", "--threads", "0"],
        ["predict", "x", "--threads", "two"],
        ["predict", "x", "--assume-affine", "nan"],
        ["predict", "x", "--assume-affine", "1,2"],
        ["predict", "x", "--assume-affine", "0"],
        ["predict", "x", "--channel", "t1"],
        ["predict", "x", ""],
        ["predict", "x", "a.nii", "--age", "-5"],
        ["predict", "x", "a.nii", "--age", "nan"],
        ["train", "x", "--cases", "c.csv"],
        ["info", "a\nb"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_line_and_2(arguments, capsys):
    assert main(arguments) == 2
    error_line(capsys)


def test_wrong_command_names_the_commands(capsys):
    main(["prdict"])

    assert "predict" in error_line(capsys)


def test_help_and_version(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"medzoo {medzoo.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: medzoo {name}")


def test_cards_check_names_stale_files(checkout, tmp_path, capsys):
    zoo = tmp_path / "zoo_models"
    model = zoo / "knee"
    model.mkdir(parents=True)
    source = checkout / "zoo_models" / "knee" / "recipe.json"
    (model / "recipe.json").write_bytes(source.read_bytes())

    with pytest.raises(InputError, match=r"knee/card\.md"):
        write_or_check(check=True, folder=zoo)
    assert write_or_check(check=False, folder=zoo) == 0
    assert str(model / "card.md") in capsys.readouterr().out
    assert write_or_check(check=True, folder=zoo) == 0


def test_exit_code_is_the_commands(command):
    assert command(lambda _: 1) == 1


def test_error_is_one_line_whatever_it_holds(command, capsys):
    def fail(_):
        raise InputError("bad\nname \x1b[31m \udc80 é")

    assert command(fail) == 2
    assert error_line(capsys).endswith(r"bad\nname \x1b[31m \udc80 é" + "\n")


def test_failure_of_the_system_is_one_line(command, capsys, tmp_path):
    assert command(lambda _: (tmp_path / "no" / "file").write_text("x")) == 2
    assert "No such file" in error_line(capsys)


def test_fault_of_ours_keeps_its_traceback(command):
    with pytest.raises(ZeroDivisionError):
        command(lambda _: 1 // 0)


def test_interrupt_is_130(command, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    assert command(interrupt) == 130
    error_line(capsys)


def test_warning_is_one_line(command, capsys):
    def warn(_):
        with warnings.catch_warnings():
            warnings.simplefilter("always", MedzooWarning)
            warnings.warn("3 voxels\nare odd", MedzooWarning, stacklevel=1)
        return 0

    before = warnings.showwarning
    assert command(warn) == 0
    assert capsys.readouterr().err == "medzoo: warning: 3 voxels\\nare odd\n"
    assert warnings.showwarning is before


def test_reader_that_leaves_is_no_error(checkout):
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [sys.executable, "-P", "-m", "medzoo", "list"],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write)

    assert result.stderr == ""
    assert result.returncode == main_module.EXIT_BROKEN_PIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">/dev/full", "2>/dev/full"])
def test_closed_and_full_streams_end_without_a_traceback(streams, tmp_path):
    command = f"{sys.executable} -P -m medzoo list {streams}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PYTHONPATH": str(Path(medzoo.__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (2 if streams == ">/dev/full" else 0)


def test_what_the_file_system_refuses_is_said_with_advice(
    run_medzoo, models, head_phantom, tmp_path
):
    write(head_phantom(spacing=6.0), tmp_path / "t1.nii.gz")
    target = tmp_path / ("a" * 300 + ".nii.gz")

    result = run_medzoo(
        "predict", models["tiny_tissue"], tmp_path / "t1.nii.gz", "-o", target
    )

    assert result.returncode == 2
    assert f"Received: {target} (File name too long). Check the path" in result.stderr
    assert "Errno" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "ixi_age_resnet", "--cases", "c.csv", "-o"],
        ["search", "ixi_age_resnet", "--cases", "c.csv", "--space", "s.json", "-o"],
        ["recalibrate", "ixi_age_resnet", "--cases", "c.csv", "-o"],
        ["evaluate", "ixi_age_resnet", "--cases", "c.csv", "-o"],
        ["dicom", "archive", "-o"],
        ["demo", "-o"],
        ["explain", "ixi_age_resnet", "scan.nii.gz", "-o"],
        ["predict", "ixi_age_resnet", "scan.nii.gz", "--report"],
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
@pytest.mark.parametrize("output", ["s3://bucket/out", ""])
def test_what_is_written_on_disk_alone_has_no_address(arguments, output, capsys):
    assert main([*arguments, output]) == 2
    assert f"must be a path on disk. Received: '{output}'" in capsys.readouterr().err
