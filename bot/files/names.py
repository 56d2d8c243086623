"""The names of files: `inputs/<job or film id>/<file>` and `results/<job id>.mp4`, in a folder as in a bucket."""

from collections.abc import Iterable
from pathlib import PurePosixPath

INPUTS, RESULTS = "inputs", "results"
FOLDERS = (INPUTS, RESULTS)


def inputs_name(job_id: str) -> str:
    """Return the name of the folder of one order's or job's input files."""
    return f"{INPUTS}/{job_id}"


def result_name(job_id: str) -> str:
    """Return the name of one job's finished video; it says "mp4" also of a video in another format."""
    return f"{RESULTS}/{job_id}.mp4"


def joined_name(film_id: str, key: str) -> str:
    """Return the name of one version of a joined film; it lies in the film's folder and is removed with it."""
    return f"{inputs_name(film_id)}/joined-{key}.mp4"


def beside(name: str, other: str) -> str:
    """Return the name of another file in the same folder."""
    return str(PurePosixPath(name).with_name(other))


def job_id_in(name: str) -> str:
    """Return the id of the order or job that a file belongs to; "" if the name is none of the two kinds."""
    parts = PurePosixPath(name).parts
    return parts[1].partition(".")[0] if len(parts) > 1 and parts[0] in FOLDERS else ""


def job_ids_in(names: Iterable[str]) -> frozenset[str]:
    """Return the ids of the orders and jobs that these files belong to."""
    return frozenset(map(job_id_in, names)) - {""}
