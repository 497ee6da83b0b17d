"""A real Spark cluster on loopback, from the pip package: one master and one worker."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pyspark

START_SECONDS = 120
CORES = 2
# Little data for seconds: compiling Java to the last and cleaning in several threads cost more than they give.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@contextmanager
def spark_cluster(folder: Path) -> Iterator[str]:
    """The master's URL; both processes are gone when the block ends."""
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as stack:
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        log = stack.enter_context(_running("org.apache.spark.deploy.master.Master", arguments, folder))
        _wait_for(log, "I have been elected leader")
        arguments = ["--host", "127.0.0.1", "--cores", str(CORES), "--memory", "2g", "--webui-port", "0"]
        arguments += ["--work-dir", str(folder / "work"), master]
        log = stack.enter_context(_running("org.apache.spark.deploy.worker.Worker", arguments, folder))
        _wait_for(log, "Successfully registered with master")
        yield master


def session_settings(folder: Path) -> dict[str, str]:
    """A driver on loopback that is quick for little data."""
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": JAVA_OPTIONS,
        "spark.executor.extraJavaOptions": JAVA_OPTIONS,
        "spark.executor.memory": "1g",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(main_class: str, arguments: list[str], folder: Path) -> Iterator[Path]:
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA_OPTIONS,
    }
    log = folder / f"{main_class.rpartition('.')[2]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), main_class, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        # The whole session: a worker's executors are its children.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(log: Path, words: str) -> None:
    end = time.monotonic() + START_SECONDS
    while words not in log.read_text(errors="replace"):
        if time.monotonic() > end:
            raise TimeoutError(f"no '{words}' in {START_SECONDS} s:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
