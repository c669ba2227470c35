"""DICOM codes of classes: SNOMED CT where it has the structure.

What has no code here gets one of medzoo's own, whose meaning is the class's name.
"""

OWN_SCHEME = "99MEDZOO"
ANATOMY = ("91723000", "SCT", "Anatomical Structure")
TISSUE = ("85756007", "SCT", "Tissue")
FLUID = ("91720002", "SCT", "Body Substance")
ABNORMAL = ("49755003", "SCT", "Morphologically Abnormal Structure")
CATEGORIES = {
    "white matter lesions": ABNORMAL,
    "lesion": ABNORMAL,
    "cerebrospinal fluid": FLUID,
    "cerebrospinal fluid outside the brain": FLUID,
    "white matter": TISSUE,
    "grey matter": TISSUE,
}
TYPES = {
    "amygdala": ("4958002", "Amygdala"),
    "brain": ("12738006", "Brain"),
    "brainstem": ("119238007", "Brain Stem"),
    "caudate": ("11000004", "Caudate Nucleus"),
    "cerebellar grey matter": ("25991003", "Cerebellar Cortex"),
    "cerebellar white matter": ("33060004", "Cerebellar White Matter"),
    "cerebellum": ("113305005", "Cerebellum"),
    "cerebrospinal fluid": ("65216001", "Cerebrospinal Fluid"),
    "cerebrospinal fluid outside the brain": ("65216001", "Cerebrospinal Fluid"),
    "corpus callosum": ("88442005", "Corpus callosum"),
    "cortical grey matter": ("40146001", "Cerebral cortex"),
    "entorhinal area": ("3937002", "Entorhinal Cortex"),
    "fourth ventricle": ("35918002", "Fourth Ventricle"),
    "grey matter": ("389081007", "Gray Matter"),
    "hippocampus": ("5366008", "Hippocampus"),
    "lateral ventricle": ("66720007", "Lateral Ventricle"),
    "lesion": ("52988006", "Lesion"),
    "nucleus accumbens": ("427667007", "Nucleus Accumbens"),
    "optic chiasm": ("244453006", "Optic chiasm"),
    "pallidum": ("14738005", "Globus Pallidus"),
    "putamen": ("89278009", "Putamen"),
    "thalamus": ("42695009", "Thalamus"),
    "third ventricle": ("49841001", "Third ventricle"),
    "ventricles": ("35764002", "Brain ventricle"),
    "white matter": ("68523003", "Cerebral White Matter"),
    "white matter lesions": ("52988006", "Lesion"),
}
SIDES = ("left ", "right ")
# Codes are at most 16 characters, meanings 64.
LONGEST_MEANING = 64


def coded(name, number):
    """Returns category and type of a class, as (value, scheme, meaning) each.

    Args:
        name: str, of the class, "left hippocampus".
        number: int, its label, for codes of our own.
    """
    plain = name.casefold()
    for side in SIDES:
        plain = plain.removeprefix(side)
    category = CATEGORIES.get(plain, ANATOMY)
    if plain not in TYPES:
        return category, (f"label-{number}", OWN_SCHEME, name[:LONGEST_MEANING])
    value, meaning = TYPES[plain]
    return category, (value, "SCT", meaning)
