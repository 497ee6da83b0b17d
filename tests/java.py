"""Which Java the distributed engine's tests run on.

python tests/java.py     say in one line whether they run; fail where they are required and cannot
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = 17


def java_major() -> int | None:
    """Major version of the Java in JAVA_HOME or on the PATH; None where there is none that answers."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return None
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(found.group(1)) if found else None


def spark_is_required() -> bool:
    return os.environ.get("KEEPWELL_REQUIRE_SPARK") == "1"


def missing_java() -> str | None:
    """Why the Spark tests cannot run here, or None where they can."""
    found = java_major()
    if found is not None and found >= NEEDED:
        return None
    have = "none was found" if found is None else f"this machine has Java {found}"
    return f"Spark needs Java {NEEDED} or newer and {have}."


def main() -> int:
    missing = missing_java()
    if missing is None:
        print(f"Spark tests run on Java {java_major()}.")
    elif spark_is_required():
        print(f"KEEPWELL_REQUIRE_SPARK=1 asks for the Spark tests, but {missing} Install a Java runtime.")
    else:
        print(f"Spark tests are NOT run: {missing}")
    return 1 if missing and spark_is_required() else 0


if __name__ == "__main__":
    sys.exit(main())
