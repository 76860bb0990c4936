"""Small programs for engines on the JVM, compiled here."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest


def compiled(source: Path, libraries: Path) -> bytes:
    """The jar of one file, whose class has the file's name and is the main class."""
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("a Java compiler is not installed (on Debian: apt-get install default-jdk-headless)")
    with tempfile.TemporaryDirectory(prefix="ark-java-") as made:
        folder = Path(made)
        command = [compiler, "-cp", f"{libraries}/*", "-d", made, str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(folder / "made.jar", "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\nMain-Class: {source.stem}\n")
            for each in sorted(folder.glob("*.class")):
                jar.write(each, each.name)
        return (folder / "made.jar").read_bytes()
