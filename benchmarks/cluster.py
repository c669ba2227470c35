"""Many small cases on a Ray cluster: what a second node adds.

    python benchmarks/cluster.py [--cases 30] [--models NAME ...]

What `medzoo predict --cluster ray` calls, on made-up heads of 2 mm: on a node of one
core, then on two such nodes. Nodes are Ray's own processes on this machine, of which
two cores must be idle. Cases a minute are those from the first result to the
last; seconds in all include the start of Ray, workers and models. Prints a table and
writes cluster.json into the folder of this processor in benchmarks/results.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from report import describe_machine, hold_to_cores, results_folder, say, table

CORES = 2


def main():
    """Measures one node and two, and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--models", nargs="*", default=["ixi_age_resnet"])
    arguments = parser.parse_args()
    hold_to_cores(CORES)
    # Each worker takes the threads of its own node instead.
    for variable in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        del os.environ[variable]
    # Workers import medzoo from where this script found it.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    report = {"machine": describe_machine(CORES), "runs": {}}
    with tempfile.TemporaryDirectory() as folder:
        from scans import write_scans

        cases = write_scans(Path(folder), arguments.cases, (96, 112, 96), (2.0,) * 3)
        for name in arguments.models:
            runs = {}
            for nodes in range(1, CORES + 1):
                out = Path(folder) / f"{name}-{nodes}"
                with_nodes = f"{name}, {nodes} node{'s' * (nodes > 1)} of one core"
                runs[with_nodes] = measured(name, cases, out, nodes)
                say(f"{with_nodes}: {runs[with_nodes]}")
            first = next(iter(runs.values()))["cases_a_minute"]
            for run in runs.values():
                run["of_one_node"] = round(run["cases_a_minute"] / first, 2)
            report["runs"] |= runs
    columns = ("cases", "seconds_in_all", "cases_a_minute", "of_one_node")
    table("cluster", report["runs"], columns)
    text = json.dumps(report, indent=1) + "\n"
    (results_folder() / "cluster.json").write_text(text, encoding="utf-8")


def measured(name, cases, out, nodes):
    """Predicts on all cases by so many nodes of one core; returns what it took."""
    from ray.cluster_utils import Cluster

    from medzoo.batch.listener import Listener
    from medzoo.cluster.predict import predict_on_cluster

    class Clock(Listener):
        """Notes when each result came."""

        def __init__(self):
            self.times = []

        def result(self, name, result):
            self.times.append(time.perf_counter())

    clock, began = Clock(), time.perf_counter()
    # The head has no processor for work, as the driver's machine in a large cluster.
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        os.environ["RAY_ADDRESS"] = cluster.address
        found = predict_on_cluster(name, cases, out, listener=clock)
    finally:
        cluster.shutdown()
    failed = [record for record in found if "error" in record]
    if failed or len(clock.times) != len(found):
        raise SystemExit(f"{len(failed)} of {len(found)} cases failed: {failed[:1]}")
    seconds = clock.times[-1] - clock.times[0]
    return {
        "cases": len(found),
        "seconds_in_all": round(time.perf_counter() - began, 1),
        "cases_a_minute": round(60 * (len(found) - 1) / seconds, 1),
    }


if __name__ == "__main__":
    main()
