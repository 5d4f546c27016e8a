"""A small library with its own file format: a line per species, its name and number with a tab between."""

from pathlib import Path


def write(counts: dict[str, int], path: Path) -> None:
    """Write a book."""
    path.write_text("".join(f"{species}\t{number}\n" for species, number in counts.items()))


def read(path: Path) -> dict[str, int]:
    """Read a book."""
    lines = path.read_text().splitlines()
    return {species: int(number) for species, number in (line.split("\t") for line in lines)}
