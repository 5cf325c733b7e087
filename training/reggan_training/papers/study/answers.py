"""Reading what raters sent back, and the key to it; anything that does not fit is refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reggan_plugin.errors import SourceError
from reggan_training.papers.study.packing import KEY_KIND, SCHEMA

ANSWERS_KIND = "face study answers"
"""Says nothing of the product: raters see it."""


@dataclass(frozen=True, kw_only=True)
class KeyTrial:
    """Content of a trial: the label of each of its two pictures, by their opaque names."""

    is_check: bool
    questions: tuple[str, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StudyKey:
    """Key to the opaque names of a study."""

    study: str
    methods: tuple[str, ...]
    trials: Mapping[str, KeyTrial]

    @property
    def asked(self) -> int:
        """Questions that every rater is asked."""
        return sum(len(trial.questions) for trial in self.trials.values())


@dataclass(frozen=True, kw_only=True)
class RaterAnswer:
    """One choice."""

    trial: str
    question: str
    chosen: str
    was_left: bool
    duration_ms: float


@dataclass(frozen=True, kw_only=True)
class AnswerSheet:
    """All answers of one rater."""

    rater: str
    is_complete: bool
    answers: tuple[RaterAnswer, ...]


def read_key(path: Path) -> StudyKey:
    """Read the key that `study make` wrote.

    Raises:
        SourceError: the file is missing, or is no key of this version.
    """
    remedy = "Give the key.json that was written beside the page."
    document = _read_document(path, KEY_KIND, remedy)
    try:
        trials = {
            name: KeyTrial(
                is_check=bool(trial["is_check"]),
                questions=tuple(trial["questions"]),
                labels=dict(trial["pictures"]),
            )
            for name, trial in document["trials"].items()
        }
        methods = tuple(document["methods"])
        return StudyKey(study=str(document["study"]), methods=methods, trials=trials)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"{path} is a damaged key ({error!r}). {remedy}") from error


def read_sheets(paths: Sequence[Path], key: StudyKey) -> tuple[AnswerSheet, ...]:
    """Read the answers of every rater.

    Raises:
        SourceError: a file is missing, damaged, of another study, or of a rater who is there
            already; the message names it.
    """
    path_of: dict[str, Path] = {}
    sheets = []
    for path in paths:
        sheet = read_sheet(path, key)
        if sheet.rater in path_of:
            raise SourceError(
                f"{path} and {path_of[sheet.rater]} are both of rater {sheet.rater}; give the "
                "later one alone."
            )
        path_of[sheet.rater] = path
        sheets.append(sheet)
    return tuple(sheets)


def read_sheet(path: Path, key: StudyKey) -> AnswerSheet:
    """Read and check the answers of one rater.

    Raises:
        SourceError: see `read_sheets`.
    """
    remedy = "Ask the rater to save the answers again, or leave this file out."
    document = _read_document(path, ANSWERS_KIND, remedy)
    if document.get("study") != key.study:
        raise SourceError(
            f"{path} holds answers of study {document.get('study')}; the key is of study "
            f"{key.study}. Give the key of that study, or leave this file out."
        )
    try:
        answers = tuple(_answer_from_entry(entry, key) for entry in document["answers"])
        rater, is_complete = str(document["rater"]), bool(document["is_complete"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{path} is damaged ({_reason(error)}). {remedy}") from error
    if len({(answer.trial, answer.question) for answer in answers}) < len(answers):
        raise SourceError(f"{path} is damaged (a question is answered twice). {remedy}")
    if is_complete != (len(answers) == key.asked):
        raise SourceError(
            f"{path} is damaged ({len(answers)} of {key.asked} answers, and says that it is "
            f"{'' if is_complete else 'not '}complete). {remedy}"
        )
    return AnswerSheet(rater=rater, is_complete=is_complete, answers=answers)


def _answer_from_entry(entry: Mapping[str, Any], key: StudyKey) -> RaterAnswer:
    """One entry of an answers file.

    Raises:
        KeyError: a field is missing.
        ValueError: it says what this study cannot have shown.
    """
    trial = key.trials.get(entry["trial"])
    if trial is None:
        raise ValueError(f"no pair {entry['trial']!r} in this study")
    if entry["question"] not in trial.questions:
        raise ValueError(f"pair {entry['trial']} is not asked for {entry['question']!r}")
    shown = {entry["left"], entry["right"]}
    if shown != trial.labels.keys() or entry["chosen"] not in shown:
        raise ValueError(f"pair {entry['trial']} does not show these pictures")
    return RaterAnswer(
        trial=entry["trial"],
        question=entry["question"],
        chosen=entry["chosen"],
        was_left=entry["chosen"] == entry["left"],
        duration_ms=float(entry["duration_ms"]),
    )


def _reason(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)


def _read_document(path: Path, kind: str, remedy: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read ({error}). {remedy}") from error
    found = document.get("kind") if isinstance(document, dict) else None
    if found != kind:
        raise SourceError(f"{path} is of kind {found!r}, expected {kind!r}. {remedy}")
    if document.get("schema") != SCHEMA:
        raise SourceError(
            f"{path} has schema {document.get('schema')!r}, expected {SCHEMA}. Tally it with the "
            "version that made the study."
        )
    return dict(document)
