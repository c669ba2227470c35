"""Numbers of a cohort, noted case by case, so that a run can be resumed."""


class NumberOutput:
    """Notes results that are no images, and skips cases that are already done.

    Args:
        log: `CaseLog`.
    """

    def __init__(self, log):
        self.log = log

    def finished(self, case):
        """Returns the record of a case that is done as it would be now, or None."""
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
