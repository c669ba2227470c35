"""Many small cases: how busy the cores are, and whether memory stays flat.

    python benchmarks/batch.py [--cases 100] [--cores 2]

`medzoo predict NAME --cases` as a user runs it, start-up included, on made-up heads of
2 mm: with reading, computing and writing overlapped, and one case after the other.
Busy is the CPU time of the process over the wall time of all cores. Linux alone.
Prints a table and writes benchmarks/results/batch.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import describe_machine, hold_to_cores, results_folder, say, table

# Model -> the share of the cases that it gets. The second writes an image a case.
MODELS = {"ixi_age_resnet": 1.0, "ixi_representation_cae": 0.5}
ONE_BY_ONE = """
import sys
from medzoo.batch.predictor import Predictor
results = Predictor.results
def alone(self, *args, **more):
    return results(self, *args, **more, overlap=False)
Predictor.results = alone
from medzoo.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def main():
    """Measures all models both ways and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    arguments = parser.parse_args()
    hold_to_cores(arguments.cores)
    report = {"machine": describe_machine(arguments.cores), "runs": {}}
    with tempfile.TemporaryDirectory() as folder:
        from scans import write_scans

        cases = write_scans(Path(folder), arguments.cases, (96, 112, 96), (2.0,) * 3)
        lines = cases.read_text(encoding="utf-8").splitlines()
        for name in arguments.models:
            count = max(4, round(MODELS[name] * arguments.cases))
            part = cases.with_name(f"{name}.csv")
            part.write_text("\n".join(lines[: count + 1]), encoding="utf-8")
            for way, start in (("overlapped", ["-m", "medzoo"]), ("one by one", None)):
                start = start or ["-c", ONE_BY_ONE]
                out = Path(folder) / f"{name}-{way.replace(' ', '-')}"
                out = [] if name == "ixi_age_resnet" else ["-o", str(out)]
                command = [*start, "predict", name, "--cases", str(part), *out]
                found = run(command, count, arguments.cores)
                report["runs"][f"{name}, {way}"] = found
                say(f"{name}, {way}: {found}")
    columns = ("cases", "seconds", "cases_a_minute", "busy")
    table("batch", report["runs"], (*columns, "rss_mb_fifth", "rss_mb_end"))
    text = json.dumps(report, indent=1) + "\n"
    (results_folder() / "batch.json").write_text(text, encoding="utf-8")


def run(command, count, cores):
    """Runs one command; returns seconds, share of the cores, and memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    memory = []
    for _ in process.stdout:  # a line a case
        memory.append(resident_mb(process.pid))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status or len(memory) != count:
        raise SystemExit(f"{command} ended with {status} after {len(memory)} cases")
    return {
        "cases": count,
        "seconds": round(seconds, 1),
        "cases_a_minute": round(60 * count / seconds, 1),
        "busy": round((usage.ru_utime + usage.ru_stime) / seconds / cores, 3),
        "rss_mb_fifth": memory[count // 5],
        "rss_mb_half": memory[count // 2],
        "rss_mb_end": memory[-2],
        "rss_mb_peak": round(usage.ru_maxrss / 1024),
    }


def resident_mb(pid):
    """Memory of a process now, MB; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0].split()[1]) // 1024 if found else 0


if __name__ == "__main__":
    main()
