"""Area under the receiver operating characteristic (ROC) curve."""

from scipy.stats import rankdata


def area_under_roc(target, score):
    """Chance that a case of class 1 scores above one of class 0; ties count half.

    Works on the last axis, with memory in proportion to the number of cases. NaN
    where a class is absent.
    """
    second = target == 1
    total = second.sum(-1)
    ranks = rankdata(score, axis=-1) * second
    wins = ranks.sum(-1) - total * (total + 1) / 2
    return wins / (total * (score.shape[-1] - total))
