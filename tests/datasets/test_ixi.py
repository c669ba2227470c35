"""IXI: fetched from a server on this machine, unpacked, listed; nothing trusted."""

import csv
import hashlib
import io
import re
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from medzoo.cli.main import main
from medzoo.datasets import ixi
from medzoo.datasets.download import download
from medzoo.datasets.ixi import download_ixi, write_cases
from medzoo.datasets.ixi_demographics import Person, read_demographics
from medzoo.datasets.read_cases import read_cases
from medzoo.datasets.tar_images import extract_images
from medzoo.errors import (
    FileFormatError,
    InputError,
    IntegrityError,
    MissingFileError,
    OfflineError,
)

HEADER = ("IXI_ID", "SEX_ID (1=m, 2=f)", "HEIGHT", "AGE")
ROWS = [
    (2, 2, 164, 35.8),
    (12, 1, 175, 38.78),
    (13, 1, 182, 46.71),
    (13, 1, 182, ""),  # a second row that does not disagree
    (14, 2, 160, 34.24),
    (14, 2, 160, 55.0),  # two ages: neither is believed
    (15, 1, 170, 0),  # no such volunteer
    (16, 0, 170, 51.0),
    ("", "", "", ""),
]
PEOPLE = {
    2: Person(35.8, "F"),
    12: Person(38.78, "M"),
    13: Person(46.71, "M"),
    14: Person(None, "F"),
    15: Person(None, "M"),
    16: Person(51.0, None),
}
SESSIONS = {"t1": ("IXI002-Guys-0828", "IXI012-HH-1211"), "t2": ("IXI012-HH-1211",)}


def md5(content):
    return hashlib.md5(content).hexdigest()


class Server:
    """Serves bytes by name; can drop connections and ignore ranges."""

    def __init__(self):
        self.files, self.ranges = {}, []
        self.drop_after, self.knows_ranges = None, True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        serve = self.http.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()

    def answer(self, request):
        content = self.files.get(request.path.strip("/"))
        if content is None:
            return request.send_error(404)
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        start = int(asked[1]) if asked and self.knows_ranges else 0
        self.ranges.append(start)
        if start >= len(content) > 0:
            return request.send_error(416)
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        part = content[start:]
        request.wfile.write(
            part if self.drop_after is None else part[: self.drop_after]
        )
        return None


@pytest.fixture
def server():
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def tar_of(members):
    """A tar archive of name -> bytes, or of ready TarInfo objects without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def xlsx_of(rows):
    """The smallest workbook with one sheet, Table."""
    lines = []
    for row in rows:
        cells = [
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int | float)
            else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        ]
        lines.append(f"<row>{''.join(cells)}</row>")
    main_xmlns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r0" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main_xmlns} xmlns:r="{office}"><sheets>'
        '<sheet name="Table" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {main_xmlns}><sheetData>"
        f"{''.join(lines)}</sheetData></worksheet>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')
    return stream.getvalue()


def csv_of(rows):
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


@pytest.fixture
def site(server):
    """A server with a small IXI; returns it and what tells where things are."""
    server.files["IXI.csv"] = csv_of([HEADER, *ROWS])
    archives = {}
    for sequence, sessions in SESSIONS.items():
        name = f"IXI-{sequence.upper()}.tar"
        server.files[name] = tar_of(
            (f"{session}-{sequence.upper()}.nii.gz", f"{session}{sequence}".encode())
            for session in sessions
        )
        archives[sequence] = (name, md5(server.files[name]))
    table = ("IXI.csv", md5(server.files["IXI.csv"]))
    return server, {
        "base_url": server.url,
        "archives": archives,
        "spreadsheet": table,
    }


def test_ixi_becomes_a_case_table(site, tmp_path):
    _, where = site
    path = download_ixi(tmp_path, ("t1", "t2"), **where)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(row.values()) for row in rows] == [
        (
            "IXI002-Guys-0828",
            "t1/IXI002-Guys-0828-T1.nii.gz",
            *("", "", "35.8", "F", "Guys", "IXI002"),
        ),
        (
            "IXI012-HH-1211",
            "t1/IXI012-HH-1211-T1.nii.gz",
            "t2/IXI012-HH-1211-T2.nii.gz",
            *("", "38.78", "M", "HH", "IXI012"),
        ),
    ]
    assert tuple(rows[0]) == ixi.COLUMNS
    channels = [{"name": "t1"}, {"name": "t2", "required": False}]
    case = read_cases(path, channels, target="age")[1]
    assert case.images["t2"].read_bytes() == b"IXI012-HH-1211t2"
    assert case.target == "38.78"
    # Archives are gone, and nothing is fetched twice.
    assert not list(tmp_path.glob("*.tar*"))


def test_what_is_there_is_not_fetched_again(site, tmp_path):
    server, where = site
    download_ixi(tmp_path, ("t1",), **where)
    server.ranges.clear()
    lines = []
    download_ixi(tmp_path, ("t1", "t2"), keep_archives=True, say=lines.append, **where)
    assert len(server.ranges) == 1
    assert (tmp_path / "IXI-T2.tar").is_file()
    assert lines[-1] == f"1 images in {tmp_path / 't2'}"


@pytest.mark.parametrize("sequences", [("t3",), ("t1", "dti"), ()])
def test_an_unknown_sequence_is_refused_before_anything_is_fetched(
    site, tmp_path, sequences
):
    server, where = site
    with pytest.raises(InputError, match="Sequences of IXI"):
        download_ixi(tmp_path, sequences, **where)
    assert server.ranges == []


def test_the_command_fetches_and_prints_the_table(site, tmp_path, monkeypatch, capsys):
    _, where = site

    def small(folder, sequences, **options):
        return download_ixi(folder, sequences, **where, **options)

    monkeypatch.setattr(ixi, "download_ixi", small)
    assert main(["download", "ixi", str(tmp_path), "--sequences", "t2"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'cases.csv'}\n"
    assert main(["download", "ixi", str(tmp_path), "--sequences", "t2,x"]) == 2
    assert "must be of t1,t2,pd" in capsys.readouterr().err


CONTENT = bytes(range(256)) * 5000


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_interrupted_download_goes_on(server, tmp_path, knows_ranges):
    server.files["a"] = CONTENT
    server.knows_ranges = knows_ranges
    (tmp_path / "a.part").write_bytes(CONTENT[:1000])
    seen = []
    path = download(
        f"{server.url}/a",
        tmp_path / "a",
        md5=md5(CONTENT),
        progress=lambda *state: seen.append(state),
    )
    assert path.read_bytes() == CONTENT
    assert server.ranges == [1000 if knows_ranges else 0]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert not (tmp_path / "a.part").exists()


def test_a_connection_that_breaks_is_taken_up_again(server, tmp_path):
    server.files["a"] = CONTENT
    server.drop_after = len(CONTENT) // 3 + 1
    path = download(f"{server.url}/a", tmp_path / "a", md5=md5(CONTENT))
    assert path.read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_a_server_that_sends_nothing_is_given_up_and_the_part_kept(server, tmp_path):
    server.files["a"] = CONTENT
    server.drop_after = 0
    (tmp_path / "a.part").write_bytes(CONTENT[:10])
    with pytest.raises(OfflineError, match="10 bytes are kept"):
        download(f"{server.url}/a", tmp_path / "a", md5=md5(CONTENT))
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:10]


def test_a_whole_part_needs_no_more_bytes(server, tmp_path):
    server.files["a"] = CONTENT
    (tmp_path / "a.part").write_bytes(CONTENT)
    path = download(f"{server.url}/a", tmp_path / "a", md5=md5(CONTENT))
    assert path.read_bytes() == CONTENT


def test_other_bytes_than_expected_are_thrown_away(server, tmp_path):
    server.files["a"] = CONTENT
    (tmp_path / "a").write_bytes(b"older")
    with pytest.raises(IntegrityError, match=f"md5={md5(CONTENT)} instead of 0"):
        download(f"{server.url}/a", tmp_path / "a", md5="0" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"older"


def test_an_absent_file_and_an_odd_address_are_refused(server, tmp_path):
    with pytest.raises(OfflineError, match="404"):
        download(f"{server.url}/b", tmp_path / "b", md5="")
    with pytest.raises(InputError, match="over http or https"):
        download("file:///etc/hostname", tmp_path / "b", md5="")


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_only_regular_images_are_unpacked_and_none_elsewhere(tmp_path):
    archive = tmp_path / "a.tar"
    archive.write_bytes(
        tar_of(
            [
                ("IXI002-Guys-0828-T1.nii.gz", b"one"),
                ("deep/down/IXI012-HH-1211-T1.nii.gz", b"two"),
                ("../../IXI013-HH-1212-T1.nii.gz", b"three"),
                (f"{tmp_path}/IXI014-HH-1236-T1.nii.gz", b"four"),
                ("IXI015-HH-1258-T2.nii.gz", b"other sequence"),
                ("notes.txt", b"text"),
                ("..", b"up"),
                special("IXI016-Guys-0697-T1.nii.gz", tarfile.SYMTYPE, "/etc/passwd"),
                special("IXI017-Guys-0698-T1.nii.gz", tarfile.LNKTYPE, "../a.tar"),
                special("IXI018-Guys-0699-T1.nii.gz", tarfile.DIRTYPE),
                special("IXI019-Guys-0702-T1.nii.gz", tarfile.FIFOTYPE),
            ]
        )
    )
    images = extract_images(archive, tmp_path / "in" / "t1", ixi.NAME % "T1")
    assert [path.read_bytes() for path in images] == [b"one", b"two", b"three", b"four"]
    everything = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert everything == {archive, *images}
    assert all(path.parent == tmp_path / "in" / "t1" for path in images)


@pytest.mark.parametrize(
    "content",
    [
        b"no archive at all",
        tar_of([("IXI002-Guys-0828-T1.nii.gz", b"x" * 4000)])[:2000],
        tar_of([("readme.txt", b"x")]),
    ],
)
def test_an_archive_that_is_damaged_or_another_is_refused(tmp_path, content):
    archive = tmp_path / "a.tar"
    archive.write_bytes(content)
    with pytest.raises(FileFormatError):
        extract_images(archive, tmp_path / "t1", ixi.NAME % "T1")
    assert not list((tmp_path / "t1").iterdir())


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_rows_of_one_subject_must_agree(tmp_path, suffix):
    pytest.importorskip("python_calamine")
    path = tmp_path / f"IXI.{suffix}"
    write = {"csv": csv_of, "xlsx": xlsx_of}[suffix]
    path.write_bytes(write([HEADER, *ROWS]))
    assert read_demographics(path) == PEOPLE


@pytest.mark.parametrize("name", ["IXI.csv", "IXI.xls", "IXI.xlsx"])
@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00\xd8"])
def test_another_table_is_refused(tmp_path, name, content):
    pytest.importorskip("python_calamine")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match="IXI's spreadsheet must have"):
        read_demographics(tmp_path / name)


def test_a_missing_spreadsheet_and_missing_images_are_refused(tmp_path):
    with pytest.raises(MissingFileError):
        read_demographics(tmp_path / "IXI.xls")
    with pytest.raises(InputError, match="must hold images of IXI"):
        write_cases(tmp_path, {})


def test_a_subject_that_no_row_names_stays_unlabelled(tmp_path):
    (tmp_path / "pd").mkdir()
    (tmp_path / "pd" / "IXI099-IOP-1000-PD.nii.gz").write_bytes(b"")
    path = write_cases(tmp_path, PEOPLE)
    assert path.read_text().splitlines()[1] == (
        "IXI099-IOP-1000,,,pd/IXI099-IOP-1000-PD.nii.gz,,,IOP,IXI099"
    )
