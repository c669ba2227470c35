"""`medzoo predict NAME --bids DIR`: a tree of people, the results as a derivative."""

import json
import sys
from pathlib import Path

from medzoo.data.bids import read_bids
from medzoo.zoo.bids_output import BidsOutput
from medzoo.zoo.predict import EXIT_ALL, EXIT_NONE, EXIT_SOME, Predictor
from medzoo.zoo.progress import Progress
from medzoo.zoo.records import sentence, tell

USUAL_OUTPUT = Path("derivatives", "medzoo")


def run(options, report=None):
    """Predicts for the command line; returns the exit code.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions` with `bids`.
        report: `medzoo.reporting.sheet.ReportSheet` or None.
    """
    from medzoo.inference.predict import Options

    wanted = Options(
        options.uncertainty,
        options.probabilities,
        engine=options.engine,
        precision=options.precision,
    )
    predictor = Predictor(
        options.folder,
        assume_affine=options.assume_affine,
        threads=options.threads,
        options=wanted,
        align=not options.aligned,
    )
    tree = read_bids(
        options.bids,
        predictor.channels,
        participants=options.participants,
        entities=options.bids_filter,
    )
    folder = options.output or Path(options.bids) / USUAL_OUTPUT
    output = BidsOutput(folder, predictor.recipe.to_dict(), tree)
    records = _records(predictor, tree, output, options, report)
    output.finish(records)
    if options.json:
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    good = sum("error" not in record for record in records)
    if good == len(records):
        return EXIT_ALL
    return EXIT_SOME if good else EXIT_NONE


def _records(predictor, tree, output, options, report):
    output.begin()
    images = None
    if tree.cases and predictor.answers_in_images:
        images = predictor.output_for(output.work_folder, len(tree.cases))
    records = []
    with Progress(len(tree.cases), "cases") as progress:
        for case_id, why in tree.problems.items():
            records.append({"case_id": case_id, "error": why})
            tell(records[-1], progress)
        told = {"output": images, "progress": progress, "report": report}
        for record in predictor.records(tree.cases, **told):
            records.append(output.add(record))
            tell(records[-1], progress)
            if not options.json and "error" not in record:
                progress.clear()
                sys.stdout.write(sentence(records[-1]) + "\n")
    return records
