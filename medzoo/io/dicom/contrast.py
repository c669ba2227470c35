"""The contrast of a series, and series that are not a plain head scan."""

import re

# In this order: a FLAIR is called T2 FLAIR, a T1-weighted one T1 FLAIR.
NAMES = (
    ("t1", r"t1[ _-]*flair"),
    ("flair", r"flair|dark[ _-]*fl|t2[ _-]*(ir|tirm)|tirm[ _-]*(dark|tra|t2)"),
    ("t1_ir", r"t1[ _-]*(w[ _-]*)?ir(?![a-z])|ir[ _-]*t1|inversion[ _-]*recovery"),
    (
        "t1",
        r"t1|mp[ -]?rage|mp2rage|bravo|fspgr|spgr|ir-?fspgr|mdeft|tfl3d|3d[ _-]*tfe",
    ),
    ("t2", r"t2(?![ _-]*\*|[ _-]*star)|ciss|fiesta|space[ _-]*t2"),
    ("pd", r"(?<![a-z])pd(?![a-z])|proton"),
)
# What is found beside scans of heads, by name; each word says it in the list.
OTHERS = (
    ("localiser", r"locali[sz]er|scout|survey|(?<![a-z])loc(?![a-z])|3[ -]?plane"),
    ("diffusion", r"diff|dwi|dti|(?<![a-z])e?adc|trace|(?<![a-z])fa(?![a-z])|tensor"),
    ("functional", r"bold|fmri|resting|perf|(?<![a-z])asl|dsc|dce|ep2d|(?<![a-z])cbf"),
    ("susceptibility", r"swi|swan|t2[ _-]*(\*|star)|hemo|phase|(?<![a-z])pha"),
    ("angiography", r"tof|angio|(?<![a-z])mra|(?<![a-z])mrv|venogra"),
    ("projection", r"(?<![a-z])m(i|a)?ip|project|(?<![a-z])vrt"),
    ("field map", r"field[ _-]*map|(?<![a-z])b0|(?<![a-z])b1"),
    ("spectroscopy", r"spectro|(?<![a-z])svs|(?<![a-z])csi"),
)
TYPES = {
    "LOCALIZER": "localiser",
    "PROJECTION IMAGE": "projection",
    "MIP": "projection",
    "MINIP": "projection",
    "DIFFUSION": "diffusion",
    "ADC": "diffusion",
    "TRACEW": "diffusion",
    "FA": "diffusion",
    "P": "phase",
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "R": "real part",
    "I": "imaginary part",
    "SCREEN SAVE": "screen capture",
    "SCREENSHOT": "screen capture",
    "PERFUSION": "functional",
    "FMRI": "functional",
}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
LEAST_SLICES = 8


def contrast_of(stack):
    """Returns the channel of a series, such as "t1", or None if it is unclear.

    Args:
        stack: `Stack`.
    """
    header = stack.header
    if header.text("Modality") == "CT":
        return "ct"
    if header.text("Modality") != "MR":
        return None
    for text in _texts(header):
        for channel, pattern in NAMES:
            if re.search(pattern, text):
                return channel
    return _by_times(stack)


def oddity_of(stack):
    """Returns why a series is not a plain scan, or "".

    Args:
        stack: `Stack`.
    """
    header, kind = stack.header, stack.planes[0].kind
    words = (*kind[0], *header.words("ImageType"))
    told = next((TYPES[word] for word in words if word in TYPES), "")
    if told or (kind[2] or 0) > 0:
        return told or "diffusion"
    return _named_oddity(header) or _technical_oddity(stack, words)


def _named_oddity(header):
    """Why it is not a plain scan by series description and protocol name, or ""."""
    for text in _texts(header):
        for oddity, pattern in OTHERS:
            if re.search(pattern, text):
                return oddity
    return ""


def _technical_oddity(stack, words):
    header = stack.header
    if "MOSAIC" in words or "EP" in header.words("ScanningSequence"):
        return "echo planar"
    if words[:1] == ("DERIVED",) or "MPR" in words:
        return "derived"
    if header.text("SOPClassUID").startswith(SECONDARY_CAPTURE):
        return "screen capture"
    return "" if len(stack.planes) >= LEAST_SLICES else "few slices"


def _texts(header):
    """What the operator called it; then what the protocol does."""
    names = ("SeriesDescription", "ProtocolName")
    return [header.text(name).lower() for name in names if header.text(name)]


def _by_times(stack):
    """The contrast by echo, repetition and inversion time, where these are usual."""
    header = stack.header
    echo = stack.planes[0].kind[1]
    repetition = header.number("RepetitionTime")
    inversion = header.number("InversionTime") or 0.0
    if echo is None or repetition is None:
        return None
    if inversion > 1400 and echo > 60:
        return "flair"
    if echo < 30 and (repetition < 900 or 300 < inversion < 1400):
        return "t1"
    if echo > 60 and repetition > 1800 and not inversion:
        return "t2"
    return "pd" if echo < 40 and repetition > 1500 and not inversion else None
