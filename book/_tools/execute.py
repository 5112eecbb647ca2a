"""Execute chapters, each in a fresh kernel, and keep their twins."""

import hashlib
import os
import platform
from datetime import UTC, datetime
from time import perf_counter

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from . import twin
from .chapters import twin_path
from .inputs import chapter_inputs, digest, read_stamp, write_stamp
from .surroundings import environment, library_commit, processor, versions

CELL_SECONDS = 900


def stamp_path(root, name):
    """Return the path of the record that a chapter was executed on this machine."""
    return root / "_build" / "executed" / f"{name}.json"


def is_fresh(root, name):
    """Tell whether a chapter was executed here with its present inputs, and its twin kept."""
    stored = twin_path(root, name)
    if not stored.exists():
        return False
    stamp = read_stamp(stamp_path(root, name))
    return (stamp.get("inputs") == digest(root, chapter_inputs(root, name))
            and stamp.get("twin") == hashlib.sha256(stored.read_bytes()).hexdigest())


def execute(root, name, device="cpu"):
    """Execute a chapter afresh and write its twin.

    Parameters
    ----------
    root : pathlib.Path
        The repository.
    name : str
        The chapter.
    device : {"cpu", "cuda"}
        ``"cuda"`` leaves the GPUs visible. Only a run on the CPU counts as the book's.

    Raises
    ------
    SystemExit
        If a cell fails: with the cell and its traceback.
    """
    inputs = digest(root, chapter_inputs(root, name))
    notebook = twin.from_text(root, name)
    stored = twin_path(root, name)
    stored.parent.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    run_cells(notebook, name, stored.parent, environment(root, device))
    seconds = perf_counter() - started

    # What nbclient learns from the kernel (its version, say) would change a twin for nothing.
    notebook.metadata.language_info = twin.LANGUAGE
    notebook.metadata[twin.RECORD] = {
        "inputs": inputs,
        "seconds": round(seconds, 1),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": device,
        "processor": processor(),
        "cores": os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(),
        "library_commit": library_commit(root),
    }
    changed = twin.write(stored, notebook)
    if device == "cpu":
        write_stamp(stamp_path(root, name), inputs=inputs, seconds=round(seconds, 1),
                    twin=hashlib.sha256(stored.read_bytes()).hexdigest())
    outcome = "outputs changed" if changed else "outputs as stored"
    print(f"{name}: executed in {seconds:.1f} s on the {device}; {outcome}", flush=True)


def run_cells(notebook, name, folder, env):
    """Run every code cell in a fresh kernel, in place, saying how far it is.

    The kernel works in the folder of the twins, as nbval's does.
    """
    code = [i for i, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()]
    clock = {}

    def on_start(cell, cell_index):
        clock[cell_index] = perf_counter()

    def on_end(cell, cell_index, execute_reply):
        if execute_reply["content"]["status"] != "ok":
            return
        place = code.index(cell_index) + 1
        seconds = perf_counter() - clock[cell_index]
        print(f"{name}: cell {place}/{len(code)}  {seconds:6.1f} s", flush=True)

    client = NotebookClient(
        notebook, kernel_name="python3", timeout=CELL_SECONDS, record_timing=False,
        coalesce_streams=True, extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=on_start, on_cell_executed=on_end,
    )
    print(f"{name}: {len(code)} cells to execute", flush=True)
    try:
        client.execute(env=env)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failed = max(clock, default=0)
        place = code.index(failed) + 1 if failed in code else 0
        report = describe_failure(notebook.cells[failed], error)
        raise SystemExit(f"{name}: cell {place}/{len(code)} failed\n{report}") from None


def describe_failure(cell, error):
    """Return the source of a failed cell and its traceback, or why there is none."""
    tracebacks = ["\n".join(output.traceback) for output in cell.get("outputs", [])
                  if output.output_type == "error"]
    rule = "-" * 72
    return "\n".join([rule, cell.source, rule, *(tracebacks or [str(error)])])
