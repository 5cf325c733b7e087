"""How quick the local page is in Chromium: the gallery of a face, and a slider's picture.

    python -m tests.measurements.page_in_browser [MOVES] [MODEL]

Starts the page with the default model, or MODEL; opens the avatar sample of 1280x720. Prints the
seconds from choosing it to the last picture of the gallery, decoded and drawn, by the page's own
clock, and, of 60 moves unless told otherwise, the milliseconds from the event of the slider to the
new picture: smallest, median, largest. Both depend on what else the machine does, so its load is
printed, too.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from reggan_plugin.commands.demo import sample_shots
from tests.chromium import open_chromium
from tests.ui.artist import Artist
from tests.ui.conftest import running_page, studio_of

SAMPLE = "avatar_png"
TO_LAST_PICTURE = """
const [sample, done] = arguments;
const gallery = document.getElementById("gallery"), samples = document.getElementById("samples");
const begin = performance.now();
new MutationObserver(async (_, observer) => {
  if (gallery.ariaBusy !== "false") return;
  observer.disconnect();
  await Promise.all([...gallery.querySelectorAll("img")].map((one) => one.decode()));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
}).observe(gallery, { attributes: true });
samples.value = sample;
samples.dispatchEvent(new Event("change"));
"""
"""Chooses a sample as a hand does, and is done when the gallery's last picture is on the screen."""


def main() -> None:
    """Print a line for each."""
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    model = sys.argv[2] if len(sys.argv) > 2 else None
    studio = studio_of(model, sample_shots())
    with tempfile.TemporaryDirectory() as folder, running_page(studio) as page:
        browser = open_chromium(Path(folder, "profile"), Path(folder))
        if browser is None:
            sys.exit("There is no Chromium with its driver: apt-get install chromium-driver")
        artist = Artist(browser, page)
        browser.set_script_timeout(600)
        card = page.studio.transfer.card
        load = os.getloadavg()[0]
        print(f"{card.name} {card.version}, {os.cpu_count()} cores, load {load:.1f} before")
        used = time.process_time()
        seconds = browser.execute_async_script(TO_LAST_PICTURE, SAMPLE) / 1000
        cpu = time.process_time() - used
        count = len(browser.find_elements("css selector", "#gallery img"))
        print(f"gallery of {count}: {seconds:.2f} s, {cpu:.2f} s of the program's processor time")
        artist.choose("happy")
        artist.script("performance.clearMeasures('change')")
        used = time.process_time()
        for number in range(moves):
            artist.slide("happy", 0.2 + number % 40 / 50)
        cpu = (time.process_time() - used) / moves
        taken = artist.script(
            "return performance.getEntriesByName('change').map((one) => one.duration)"
        )
        browser.quit()
    low, middle, high = min(taken), statistics.median(taken), max(taken)
    print(
        f"{len(taken)} moves: {low:.0f}, {middle:.0f}, {high:.0f} ms to the new picture, ", end=""
    )
    print(f"{1000 * cpu:.0f} ms of the program's processor time each")


if __name__ == "__main__":
    main()
