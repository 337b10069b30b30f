"""Make the tables and plots of a results.json again: python -m bench.compare FOLDER."""

import sys
from pathlib import Path

from bench.compare.results import Results, draw

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    results = Results.read(folder)
    results.write(folder)
    draw(results, folder)
