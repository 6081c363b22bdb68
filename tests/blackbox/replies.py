"""What the earlier systems answer for a photo of a name, once its label is known: each client reads one of these."""


def by_stem(name: str, label: str) -> str:
    return f"{name.split('.')[0]}:{label}"


def by_file(name: str, label: str) -> str:
    return f"{name}:{label}"


def bare(_name: str, label: str) -> str:
    return label


def json_string(_name: str, label: str) -> str:
    return f'"{label}"'
