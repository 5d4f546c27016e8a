"""Take the pictures in the documents: maps as a real browser shows them.

python docs/picture.py zoo.html docs/map.png          the README's
python docs/picture.py --gallery zoo.html docs        those of docs/map.md, of the zoo and of larger graphs
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

WIDTH, HEIGHT = 1440, 820
FOOTER = 32  # says where the store lies, which is nobody's business
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser.

    Raises:
        SystemExit: there is no Chromium on this machine.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("No chromium on this machine; install it (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


def take(browser: Browser, page: Path, picture: Path, *, fragment: str = "", theme: str = "light") -> None:
    """Open the page at an address of it in a theme, and save what is seen but for the footer."""
    tab: Page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT + FOOTER},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    tab.goto(page.resolve().as_uri() + fragment)
    tab.wait_for_function("window.lineage && window.lineage.ready === true")
    tab.wait_for_timeout(1500)  # for the fonts and the first frames
    taken = tab.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})
    tab.close()
    drawing = Image.open(io.BytesIO(taken)).convert("RGB")  # without the transparency that is nowhere used
    drawing.save(picture, optimize=True)
    print(f"written: {picture} ({picture.stat().st_size // 1000} kB)")


def gallery(browser: Browser, zoo: Path, folder: Path) -> None:
    """The pictures of docs/map.md."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "benchmarks"))
    from pipelines import pipelines

    from prefect_lineage.export.map import lineage_map

    with tempfile.TemporaryDirectory() as scratch:
        pages = {}
        for size in (150, 1_150, 9_950):
            graph = pipelines(size)
            pages[size] = lineage_map(graph, title=f"Pipelines, {len(graph):,} nodes").save(
                Path(scratch) / f"{size}.html"
            )
        model = next(one for one in pipelines(9_950).versions if str(one) == "p3/model:v45")
        for name, page, fragment, theme in (
            ("map-zoo-dark", zoo, "#level=run", "dark"),
            ("map-150-whole", pages[150], "", "light"),
            ("map-150", pages[150], "#frames=1", "light"),
            ("map-150-artifacts", pages[150], "#level=artifact", "dark"),
            ("map-1200", pages[1_150], "#grain=all&fold=0", "light"),
            ("map-10000", pages[9_950], "", "light"),
            ("map-10000-one", pages[9_950], f"#node={model.id}&only=1&depth=4", "dark"),
        ):
            take(browser, page, folder / f"{name}.png", fragment=fragment, theme=theme)


if __name__ == "__main__":
    with chromium() as opened:
        if sys.argv[1] == "--gallery":
            gallery(opened, Path(sys.argv[2]), Path(sys.argv[3]))
        else:
            take(opened, Path(sys.argv[1]), Path(sys.argv[2]))
