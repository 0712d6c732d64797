"""Makes the environment in which Microsoft's worker library indexes apps: `python install.py FOLDER`.

Done once, and anew when one of the files that it is made from has changed. Where Python 3.13 or the library cannot be
had, it says so in one line: the check then does not run, and nothing else depends on it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[4]
PINS = ROOT / "constraints.txt"
MADE_FROM = (HERE / "requirements.txt", ROOT / "requirements.txt", PINS)


def main():
    folder = Path(sys.argv[1])
    stamp, content = folder / "made-from", hashlib.sha256(b"".join(file.read_bytes() for file in MADE_FROM)).hexdigest()
    if stamp.exists() and stamp.read_text() == content:
        return
    python = python_3_13()
    if python is None:
        print("The real worker check does not run: there is no Python 3.13 on PATH, or made by pyenv or uv.")
        return
    print(f"Installing Microsoft's worker library into {folder} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    files = [word for file in MADE_FROM if file != PINS for word in ("-r", str(file))]
    pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *files, "-c", str(PINS)]
    for command in ([python, "-m", "venv", str(folder)], pip):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"The real worker check does not run: its packages cannot be installed: {reason}")
            return
    stamp.write_text(content)


def python_3_13():
    """The first interpreter that really is one: a name may be there for another version to be chosen."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    made = [*pyenv.glob("3.13*/bin/python"), *uv.glob("cpython-3.13*/bin/python3.13")]
    for python in [sys.executable, shutil.which("python3.13"), *map(str, sorted(made, reverse=True))]:
        if python is not None and is_3_13(python):
            return python
    return None


def is_3_13(python):
    check = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))"
    return not subprocess.run([python, "-c", check], capture_output=True, check=False).returncode


main()
