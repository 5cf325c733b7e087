'use strict';
// Shows one question after the other and keeps the answers in this browser. Sends nothing.

const SHOWN_MS = 220; // how long a choice is seen before the next question; keys wait as long
const SECONDS_PER_ANSWER = 4;

const study = JSON.parse(document.getElementById('study').textContent);
const storageName = `face-study-${study.id}`;
const at = (id) => document.getElementById(id);
const choices = [at('choice-1'), at('choice-2')];

let record = readRecord() || newRecord();
let steps = stepsOf(record.form);
let shownSince = 0;
let isBusy = false;

function randomNumbers(count) {
  return crypto.getRandomValues(new Uint32Array(count));
}

function newRecord() {
  const hex = [...randomNumbers(2)].map((n) => n.toString(16).padStart(8, '0')).join('');
  const form = randomNumbers(1)[0] % study.forms.length;
  return { rater: hex, form, started_at: null, answers: [] };
}

// Every question of a form: whose turn it is, which picture stands where, what is asked.
function stepsOf(form) {
  return study.forms[form].flatMap(([number, left, right], turn) => {
    const trial = study.trials[number];
    return trial.questions.map((question) => ({ trial, left, right, turn, question }));
  });
}

function readRecord() {
  try {
    const kept = JSON.parse(localStorage.getItem(storageName));
    return kept && kept.form < study.forms.length && Array.isArray(kept.answers) ? kept : null;
  } catch {
    return null;
  }
}

function keepRecord() {
  try {
    localStorage.setItem(storageName, JSON.stringify(record));
  } catch { /* the start page said that this browser keeps nothing */ }
}

function browserKeeps() {
  try {
    localStorage.setItem(`${storageName}-trial`, '1');
    localStorage.removeItem(`${storageName}-trial`);
    return true;
  } catch {
    return false;
  }
}

function wordsOf(step) {
  return {
    expression: `Which looks more ${step.trial.expression}?`,
    identity: 'Which is more the same person as the original?',
    realism: 'Which looks more real, as if nobody had edited it?',
  }[step.question];
}

function showOnly(name) {
  for (const id of ['start', 'comparison', 'end']) at(id).hidden = id !== name;
}

function focusWithoutScroll(element) {
  element.focus({ preventScroll: true });
}

function showStart() {
  const asked = steps.length * SECONDS_PER_ANSWER / 60;
  at('count').textContent = study.forms[record.form].length;
  at('minutes').textContent = Math.max(1, Math.round(asked));
  at('contact').hidden = !study.contact;
  at('contact').textContent = study.contact ? `Questions about this study: ${study.contact}` : '';
  at('consent').checked = false;
  at('begin').disabled = true;
  showOnly('start');
}

function showNext() {
  const number = record.answers.length;
  if (number >= steps.length) return showEnd();
  const step = steps[number];
  const turns = study.forms[record.form].length;
  const ofTrial = step.trial.questions;
  at('progress').max = steps.length;
  at('progress').value = number;
  at('place').textContent = `Pair ${step.turn + 1} of ${turns}, `
    + `question ${ofTrial.indexOf(step.question) + 1} of ${ofTrial.length}`;
  at('question').textContent = wordsOf(step);
  at('original').src = study.pictures[step.trial.original];
  [step.left, step.right].forEach((picture, side) => {
    choices[side].firstElementChild.src = study.pictures[picture];
    choices[side].classList.remove('chosen');
  });
  at('back').disabled = number === 0;
  showOnly('comparison');
  focusWithoutScroll(at('question')); // a screen reader reads the question; Tab leads to picture 1
  shownSince = performance.now();
}

function choose(side) {
  if (isBusy) return;
  const step = steps[record.answers.length];
  record.answers.push({
    trial: step.trial.id,
    question: step.question,
    left: step.left,
    right: step.right,
    chosen: side ? step.right : step.left,
    answered_at: new Date().toISOString(),
    duration_ms: Math.round(performance.now() - shownSince),
  });
  keepRecord();
  choices[side].classList.add('chosen');
  isBusy = true;
  setTimeout(() => { isBusy = false; showNext(); }, SHOWN_MS);
}

function goBack() {
  if (isBusy || !record.answers.length) return;
  record.answers.pop();
  keepRecord();
  showNext();
}

function answersText() {
  return JSON.stringify({
    kind: 'face study answers',
    schema: study.schema,
    study: study.id,
    rater: record.rater,
    form: record.form,
    started_at: record.started_at,
    saved_at: new Date().toISOString(),
    is_complete: record.answers.length === steps.length,
    answers: record.answers,
  }, null, 1);
}

function showEnd() {
  if (isBusy) return;
  const left = steps.length - record.answers.length;
  at('thanks').textContent = left ? 'You stopped early' : 'Thank you';
  at('what-now').textContent = left
    ? `${left} of ${steps.length} questions are open. You can go on, now or later, or save what `
      + 'you have and hand the file over: it counts as it is.'
    : 'That was the last question. Save your answers and send the file to whoever gave you this '
      + 'page; nothing has been sent until you do.';
  at('go-on').hidden = !left;
  at('saved').textContent = '';
  at('copy').value = answersText();
  showOnly('end');
  focusWithoutScroll(at('thanks'));
}

function save() {
  const name = `face-study-${study.id}-${record.rater}.json`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([answersText()], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  at('saved').textContent = `Saved as ${name}, where your browser puts downloads.`;
}

function forget() {
  if (!confirm('Delete your answers? This cannot be undone.')) return;
  try { localStorage.removeItem(storageName); } catch { /* nothing was kept */ }
  record = newRecord();
  steps = stepsOf(record.form);
  showStart();
  focusWithoutScroll(document.querySelector('#start h1'));
}

function begin() {
  record.started_at = new Date().toISOString();
  keepRecord();
  showNext();
}

document.addEventListener('keydown', (event) => {
  if (at('comparison').hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { 1: () => choose(0), ArrowLeft: () => choose(0),
    2: () => choose(1), ArrowRight: () => choose(1), Backspace: goBack }[event.key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat) act(); // a key held down answers once
});
at('consent').addEventListener('change', () => { at('begin').disabled = !at('consent').checked; });
at('begin').addEventListener('click', begin);
choices.forEach((button, side) => button.addEventListener('click', () => choose(side)));
at('back').addEventListener('click', goBack);
at('stop').addEventListener('click', showEnd);
at('go-on').addEventListener('click', showNext);
at('save').addEventListener('click', save);
at('forget').addEventListener('click', forget);

at('not-kept').hidden = browserKeeps();
if (record.started_at) showNext();
else showStart();
