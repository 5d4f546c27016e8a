"""Take the README's picture: a map, as a real browser shows it.

python docs/picture.py zoo.html docs/map.png
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1440, 780
FOOTER = 32  # says where the store lies, which is nobody's business
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def take(page: Path, picture: Path) -> None:
    """Open the page in Chromium and save what is seen.

    Raises:
        SystemExit: there is no Chromium on this machine.
    """
    browser_path = (
        shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    )
    if browser_path is None:
        raise SystemExit("No chromium on this machine; install it (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=QUIET)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT + FOOTER})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_timeout(1500)  # for the fonts and the first frames
        tab.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
    print(f"written: {sys.argv[2]}")
