"""A newsroom's folder for the type checker, which reads Django's settings. Prints its path."""

import tempfile
from pathlib import Path

from handbill.ops.setup import make_folder

if __name__ == "__main__":
    folder = Path(tempfile.gettempdir()) / "handbill-lint"
    if not (folder / "handbill.toml").exists():
        make_folder(folder)
    print(folder)
