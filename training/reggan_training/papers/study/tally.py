"""The raters' answers, read strictly, and the preferences in them."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from jaxtyping import Int

from reggan_plugin.errors import SourceError
from reggan_plugin.frozen import frozen
from reggan_training.papers.study.page import KEY_KIND, QUESTIONS, SAME, SCHEMA

ANSWERS_KIND = "face study answers"
"""Says nothing of the product: raters see it."""
_Z_95 = 1.959963984540054
"""Quantile of the standard normal distribution at 97.5 %."""
RESAMPLES = 10_000
_SEED = 0
_FEW_RATERS = 10
_QUESTION_TITLES = {
    "expression": "shows the expression better",
    "identity": "more the same person",
    "realism": "looks more real",
}


@frozen
class KeyTrial:
    """Content of a trial: the label of each of its two pictures, by their opaque names."""

    is_check: bool
    questions: tuple[str, ...]
    labels: Mapping[str, str]


@frozen
class StudyKey:
    """Key to the opaque names of a study."""

    study: str
    methods: tuple[str, ...]
    trials: Mapping[str, KeyTrial]

    @property
    def asked(self) -> int:
        """Questions that every rater is asked."""
        return sum(len(trial.questions) for trial in self.trials.values())


@frozen
class RaterAnswer:
    """One choice."""

    trial: str
    question: str
    chosen: str
    was_left: bool
    duration_ms: float


@frozen
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
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise SourceError(f"{path} is damaged ({reason}). {remedy}") from error
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


@frozen(kw_only=False)
class Share:
    """A share of answers with its 95 % confidence interval, all in [0, 1]."""

    share: float
    low: float
    high: float


def wilson_share(wins: int, answers: int) -> Share:
    """Estimate a share among independent answers, with Wilson's score interval.

    With p = wins / n and z the normal quantile:
    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22(158), 1927, p. 209.

    Raises:
        ValueError: there is no answer.
    """
    if answers < 1:
        raise ValueError("no answer to take a share of")
    share, per_answer = wins / answers, _Z_95**2 / answers
    middle = (share + per_answer / 2) / (1 + per_answer)
    spread = share * (1 - share) / answers + per_answer / (4 * answers)
    half = _Z_95 * sqrt(spread) / (1 + per_answer)
    return Share(share, max(0.0, middle - half), min(1.0, middle + half))


def share_over_raters(
    wins: Int[np.ndarray, " raters"], answers: Int[np.ndarray, " raters"]
) -> Share:
    """Estimate a share of the answers of several raters, the same on every call.

    One rater's answers hang together, so whole raters are drawn, with replacement, and the
    percentiles of the pooled share are taken (cluster bootstrap). Few raters who happen to agree
    would make that interval too short; it is therefore widened to Wilson's for the pooled answers
    wherever that reaches further. For one rater it is Wilson's.

    Source: Davison & Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8
    (resampling of groups) and section 5.3.1 (percentiles).

    Raises:
        ValueError: there is no answer.
    """
    asked = answers > 0
    wins, answers = wins[asked], answers[asked]
    pooled = wilson_share(int(wins.sum()), int(answers.sum()))
    if len(answers) == 1:
        return pooled
    random = np.random.default_rng(_SEED)
    drawn = random.integers(len(answers), size=(RESAMPLES, len(answers)))
    shares = wins[drawn].sum(axis=1) / answers[drawn].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return Share(pooled.share, min(pooled.low, float(low)), max(pooled.high, float(high)))


@frozen
class Preference:
    """Frequency of choosing `method` over `other` for a question."""

    question: str
    method: str
    other: str
    answers: int
    preferred: Share


@frozen
class StudyTally:
    """All preferences of a study, and what to know of its raters.

    Attributes:
        preferences: question by question, pair by pair, in the order of the key.
        raters: how many are counted.
        left_out: raters with more failed attention checks than allowed.
        incomplete: counted raters who stopped early.
        failures: failed attention checks of every rater who gave answers.
        checks: attention checks that were answered, all raters together.
        left_share: how often the left picture was chosen; far from 0.5 means careless raters.
        median_seconds: for an answer.
        pairs: comparisons in the study, attention checks not counted.
    """

    study: str
    preferences: tuple[Preference, ...]
    raters: int
    left_out: tuple[str, ...]
    incomplete: int
    failures: dict[str, int]
    checks: int
    left_share: Share
    median_seconds: float
    pairs: int


def tally_answers(
    key: StudyKey, sheets: Sequence[AnswerSheet], max_failures: int | None
) -> StudyTally:
    """Count the answers of all raters; those with more than `max_failures` are left out.

    Raises:
        SourceError: no answer is left to count.
    """
    failures = {sheet.rater: _count_failures(sheet, key) for sheet in sheets}
    kept = [s for s in sheets if max_failures is None or failures[s.rater] <= max_failures]
    counted = [answer for sheet in kept for answer in _real_answers(sheet, key)]
    if not counted:
        raise SourceError(
            f"No answer is left to count: {len(sheets)} raters, {len(sheets) - len(kept)} of them "
            "left out for failed attention checks. Allow more failures, or ask more people.",
            kind="no-answer-counts",
        )
    checks = sum(key.trials[answer.trial].is_check for s in sheets for answer in s.answers)
    return StudyTally(
        study=key.study,
        preferences=tuple(_preferences(key, kept)),
        raters=len(kept),
        left_out=tuple(sheet.rater for sheet in sheets if sheet not in kept),
        incomplete=sum(not sheet.is_complete for sheet in kept),
        failures=failures,
        checks=checks,
        left_share=wilson_share(sum(answer.was_left for answer in counted), len(counted)),
        median_seconds=median(answer.duration_ms for answer in counted) / 1000,
        pairs=sum(not trial.is_check for trial in key.trials.values()),
    )


def markdown_from_tally(tally: StudyTally) -> str:
    """Write a table of preferences in percent, and what to know of it."""
    lines = [
        "| question | comparison | preferred | 95 % interval | answers |",
        "|---|---|---|---|---|",
    ]
    for one in tally.preferences:
        share = one.preferred
        lines.append(
            f"| {_QUESTION_TITLES[one.question]} | {one.method} over {one.other} "
            f"| {share.share:.0%} | {share.low:.0%} to {share.high:.0%} | {one.answers} |"
        )
    return "\n".join([*lines, "", " ".join(_notes(tally))])


def _notes(tally: StudyTally) -> Iterable[str]:
    failed = sum(tally.failures.values())
    yield f"Study {tally.study}: {tally.raters} raters, {tally.pairs} pairs of pictures."
    if tally.incomplete:
        yield f"Stopped early, and counted as far as they came: {tally.incomplete}."
    yield f"Attention checks failed: {failed} of {tally.checks}."
    if tally.left_out:
        yield f"Left out for them: {', '.join(tally.left_out)}."
    yield f"The left picture was chosen in {tally.left_share.share:.0%} of the answers; the median"
    yield f"answer took {tally.median_seconds:.1f} s."
    if tally.raters == 1:
        yield "Intervals: Wilson's score interval (1927) for one rater; they say nothing of others."
        return
    yield "Intervals: cluster bootstrap over raters (Davison & Hinkley 1997, 3.8), nowhere narrower"
    yield "than Wilson's score interval (1927); they are for other raters and the same pictures."
    if tally.raters < _FEW_RATERS:
        yield f"With fewer than {_FEW_RATERS} raters they are rough."


def _preferences(key: StudyKey, sheets: Sequence[AnswerSheet]) -> Iterable[Preference]:
    votes = [_votes(sheet, key) for sheet in sheets]
    for question in QUESTIONS:
        for method, other in itertools.combinations(key.methods, 2):
            wins = np.array([v[question, method, other] for v in votes])
            losses = np.array([v[question, other, method] for v in votes])
            total = int((wins + losses).sum())
            if total:
                yield Preference(
                    question=question,
                    method=method,
                    other=other,
                    answers=total,
                    preferred=share_over_raters(wins, wins + losses),
                )


def _votes(sheet: AnswerSheet, key: StudyKey) -> Counter[tuple[str, str, str]]:
    """Count a rater's choices of one method over another, by question."""
    votes: Counter[tuple[str, str, str]] = Counter()
    for answer in _real_answers(sheet, key):
        labels = key.trials[answer.trial].labels
        (rejected,) = (label for name, label in labels.items() if name != answer.chosen)
        votes[answer.question, labels[answer.chosen], rejected] += 1
    return votes


def _real_answers(sheet: AnswerSheet, key: StudyKey) -> Iterable[RaterAnswer]:
    return (answer for answer in sheet.answers if not key.trials[answer.trial].is_check)


def _count_failures(sheet: AnswerSheet, key: StudyKey) -> int:
    """Attention checks in which another person was taken for the same."""
    checks = (a for a in sheet.answers if key.trials[a.trial].is_check)
    return sum(key.trials[check.trial].labels[check.chosen] != SAME for check in checks)
