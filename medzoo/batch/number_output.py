"""Scalar results of a cohort, logged case by case for resuming."""


class NumberOutput:
    """Logs scalar results and skips cases that are done.

    Args:
        log: `CaseLog`.
    """

    def __init__(self, log):
        self.log = log

    def finished(self, case):
        """Returns the record of a case with an up-to-date result, or None."""
        line = self.log.found(case)
        record = line and line.get("record")
        return record if _is_record(record) else None

    def write(self, case, prediction):
        """Notes a result; returns its record."""
        record = prediction.to_dict()
        self.log.done(case, record=record)
        return record

    def failed(self, case, error):
        """Notes a case that has no result."""
        self.log.failed(case, error)


def _is_record(record):
    if not isinstance(record, dict) or not isinstance(record.get("warnings", []), list):
        return False
    return any(name in record for name in ("value", "label", "embedding"))
