// What the forum can do more where script runs. Every page reads and every form works without this file; it adds keys,
// drafts, the tools of the composer, and words about a network that fails. It writes no style and evaluates nothing,
// and each text it shows comes from the page's <template id="texts">, so that it is translated with the rest.

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const texts = find('#texts')?.dataset ?? {};

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

// A page brings the shapes of what it draws. What comes into it later may need others: then all of them are asked for, once.
let shapesAsked = false;
async function bringShapes() {
  const here = find('#shapes');
  if (shapesAsked || !here || findAll('use').every((use) => find(use.getAttribute('href')))) return;
  shapesAsked = true;
  const answer = await fetch(here.dataset.all).catch(() => null);
  shapesAsked = answer?.ok;
  if (!answer?.ok) return; // a word stands beside each icon
  const all = new DOMParser().parseFromString(await answer.text(), 'image/svg+xml').documentElement;
  here.append(...[...all.children].filter((shape) => !document.getElementById(shape.id)));
}
new MutationObserver(bringShapes).observe(document.body, { childList: true, subtree: true });

// around puts a box in the place of an element, and into it the element and what belongs beside it.
function around(name, element, ...more) {
  const focused = document.activeElement === element;
  const box = make('div', { class: name });
  element.replaceWith(box);
  box.append(element, ...more);
  if (focused) element.focus();
}

const button = (text, attributes = {}) => make('button', { type: 'button', class: 'button', ...attributes }, text);

// ---- Toasts ----

const toastStays = 12_000; // ms; an error stays until it is closed

function toast(text, action) {
  const box = make('div', { class: 'toast is-danger', role: 'alert' }, make('p', {}, text));
  if (action) box.append(action);
  box.append(button(texts.close ?? '×', { 'data-dismiss': '' }));
  find('#toasts')?.replaceChildren(box);
}

function fade(box) {
  const wait = () => setTimeout(() => {
    if (box.matches(':hover, :focus-within')) wait();
    else box.remove();
  }, toastStays);
  wait();
}

// An answer of the server, also one of an error, is swapped in by htmx. Only when there was none, something has to be
// said here. What goes wrong with a request that nobody made (on load) is passed over.
document.addEventListener('htmx:error', (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (!source || !texts.offline || /^(load|every|revealed|intersect|input)/.test(source.getAttribute('hx-trigger') ?? '')) return;
  let again = null;
  if (texts.retry) {
    again = button(texts.retry, { 'data-dismiss': '' });
    const submitter = event.detail.ctx.request?.submitter;
    again.addEventListener('click', () => {
      if (!source.isConnected) return;
      if (source.matches('form')) source.requestSubmit(submitter?.isConnected ? submitter : null);
      else source.click();
    });
  }
  toast(texts.offline, again);
});

// ---- Focus ----

// htmx keeps the focus of what has an id. A button that is replaced together with what it stands in has none: its
// successor is the like element at the same place, or else the thing that came in its stead.
const focusable = 'a[href], button, input:not([type="hidden"]), textarea, select, summary';
let lostFocus = null;

document.addEventListener('htmx:before:swap', () => {
  const element = document.activeElement;
  const place = element?.closest('[id]:not(main)');
  lostFocus = element === document.body || !place ? null
    : { element, id: place.id, index: findAll(focusable, place).indexOf(element) };
});

function keepFocus() {
  if (!lostFocus || lostFocus.element.isConnected) return;
  const { element, id, index } = lostFocus;
  lostFocus = null;
  if (document.activeElement !== document.body) return;
  const place = document.getElementById(id) ?? findAll('.is-fresh .comment-own').at(-1);
  if (!place) return;
  const next = findAll(focusable, place)[index];
  if (next && next.tagName === element.tagName && next.name === element.name && next.dataset.key === element.dataset.key) {
    next.focus({ preventScroll: true });
    if (document.activeElement !== next) find(focusable, place)?.focus({ preventScroll: true }); // it is in a menu that has closed
  } else {
    step(place);
  }
}

// step puts the focus on something that is no control.
function step(element) {
  if (!element.matches(focusable)) element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: 'nearest' });
}

// ---- Drafts ----

// A text that is being written is kept twice until it is sent, by its writer and the address that it will be sent to: in
// this browser at once, and soon after at the server, whose form finds it on every device. The server's stands in the form
// when that comes; this browser's is laid over it when it is newer. `at` is when it was written, by this browser's clock; `saved`
// names the server's draft that it began with or has become, so that what follows on it is newer whatever the clocks say.
// `asked` is what the server was given and has not answered: when it has that, its own later clock makes it no newer.
// One that the server has had and has no more was sent or discarded elsewhere. `base` is what the form held before: a
// draft is laid over nothing else.
const draftAge = 30 * 24 * 3600_000;
const fieldsOf = (form) => ['title', 'body', 'tags'].map((name) => form.elements[name]).filter((field) => field?.form);
const valuesOf = (form, what = 'value') => Object.fromEntries(fieldsOf(form).map((field) => [field.name, field[what]]));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const unkept = new WeakSet(); // forms whose text could not be stored
const sent = new WeakSet(); // forms that are on their way, or have arrived
const timers = new WeakMap();

const composers = () => findAll('form:has(.composer textarea)');
const placeOf = (form) => form.elements.place; // its data-saved is the server's draft that this page knows; none: that keeps none
const savedOf = (form) => placeOf(form)?.dataset.saved ?? '';
const draftKey = (form) => `draft:${form.elements.as?.value ?? ''}:${new URL(form.getAttribute('action'), location).pathname}#${form.elements.parent?.value ?? ''}`;

function readDraft(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null; // no storage, or not ours
  }
}

function dropDraft(key) {
  try { localStorage.removeItem(key); } catch { /* without storage there is nothing to drop */ }
}

function draftKeys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith('draft:'));
  } catch {
    return [];
  }
}

function note(form, ...content) {
  find('[data-draft]', form)?.replaceChildren(...content);
}

function keepDraft(form, submitted = false) {
  clearTimeout(timers.get(form));
  timers.delete(form);
  const values = valuesOf(form);
  const base = baseOf(form);
  if (same(values, base)) {
    unkept.delete(form);
    if (!submitted) dropDraft(draftKey(form));
    return;
  }
  try {
    localStorage.setItem(draftKey(form), JSON.stringify({ at: Date.now(), saved: savedOf(form), asked: asked.get(form), values, base, sent: submitted ? form.elements.key?.value : '' }));
    unkept.delete(form);
  } catch {
    unkept.add(form); // full or forbidden: leaving the page asks first
  }
}

// baseOf is what the fields would hold without the server's draft.
function baseOf(form) {
  const base = valuesOf(form, 'defaultValue');
  for (const field of findAll('[data-base]', form)) base[field.dataset.base] = field.defaultValue;
  return base;
}

// ---- Drafts at the server ----

const serverWaits = 2000; // ms after the last key, and at most
const serverWaitsAtMost = 15_000; // after the first
// Forms with words that the server has not → since when, and the timer.
const unsaved = new Map();
// Form → what ends its request.
const requests = new WeakMap();
// Form → the values in a request that has no answer.
const asked = new WeakMap();

function saveSoon(form) {
  if (!placeOf(form)) return;
  const job = unsaved.get(form) ?? { since: Date.now() };
  unsaved.set(form, job);
  clearTimeout(job.timer);
  job.timer = setTimeout(saveDraft, Math.max(0, Math.min(serverWaits, job.since + serverWaitsAtMost - Date.now())), form);
}

async function saveDraft(form, leaving = false) {
  const job = unsaved.get(form);
  if (!job || sent.has(form)) return;
  clearTimeout(job.timer);
  unsaved.delete(form);
  const values = valuesOf(form);
  const empty = same(values, baseOf(form));
  const body = new URLSearchParams(new FormData(form));
  // An older one that comes late would take this one's place.
  requests.get(form)?.abort();
  const abort = new AbortController();
  requests.set(form, abort);
  asked.set(form, values);
  try {
    const answer = await fetch(empty ? '/drafts/discard' : '/drafts', {
      method: 'POST', body, headers: { 'HX-Request-Type': 'partial' }, signal: abort.signal, redirect: 'manual',
      keepalive: (leaving || empty) && body.toString().length < 60_000, // browsers let no more outlive its page
    });
    if (!answer.ok) throw new Error(answer.status);
    asked.delete(form);
    placeOf(form).dataset.saved = answer.headers.get('Draft-Saved') ?? '';
    const local = readDraft(draftKey(form));
    if (local && same(local.values, values)) keepDraft(form, false);
    if (!empty && !unsaved.has(form) && texts.draftSaved) note(form, icon('check'), texts.draftSaved);
  } catch {
    if (abort.signal.aborted || empty) return;
    if (!unsaved.has(form)) unsaved.set(form, { since: Date.now() }); // with the next key, or when the page is left
    if (!unkept.has(form) && texts.draftKept) note(form, icon('check'), texts.draftKept);
  }
}

// discardDraft takes the draft away, here and there.
function discardDraft(form) {
  const base = baseOf(form);
  for (const field of fieldsOf(form)) field.value = base[field.name];
  dropDraft(draftKey(form));
  note(form);
  if (placeOf(form)) {
    requests.get(form)?.abort();
    unsaved.set(form, { since: Date.now() });
    saveDraft(form);
  }
  find('.composer textarea', form).focus();
}

function restoreDraft(form) {
  const key = draftKey(form);
  const draft = readDraft(key);
  if (!draft) return;
  const saved = savedOf(form);
  // Else the page is an old copy, or was made while the one before it still saved.
  const fresh = performance.getEntriesByType('navigation')[0]?.type !== 'back_forward' && draft.at < performance.timeOrigin;
  if (!(Date.now() - draft.at < draftAge) || (draft.saved && !saved && fresh && placeOf(form))) return dropDraft(key);
  if (!same(draft.base, baseOf(form)) || !same(valuesOf(form), valuesOf(form, 'defaultValue'))) return;
  if (saved && draft.saved !== saved && !same(draft.asked, valuesOf(form)) && draft.at < Number(saved)) return; // the server's is newer
  const behind = placeOf(form) && !same(draft.values, valuesOf(form)); // the server has not all of it
  for (const field of fieldsOf(form)) field.value = draft.values[field.name] ?? field.value;
  // A text that was sent and whose answer got lost goes out with its old key, so that it cannot stand there twice.
  // Changed, it is another text.
  const idempotency = form.elements.key;
  if (draft.sent && idempotency) {
    const fresh = idempotency.value;
    idempotency.value = draft.sent;
    form.addEventListener('input', () => { idempotency.value = fresh; }, { once: true });
  }
  note(form, icon('rotate-ccw'), `${texts.draftRestored ?? ''} `, button(texts.discard ?? '×', { class: 'link', 'data-discard': '' }));
  if (behind && !draft.sent) saveSoon(form);
}

document.addEventListener('input', (event) => {
  const form = event.target.form;
  if (!form || !find('.composer textarea', form)) return;
  grow(event.target);
  sent.delete(form);
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(keepDraft, 500, form));
  saveSoon(form);
});

function keepAll() {
  for (const form of composers()) if (timers.has(form)) keepDraft(form);
  for (const form of unsaved.keys()) saveDraft(form, true);
}
document.addEventListener('visibilitychange', () => document.hidden && keepAll());
window.addEventListener('pagehide', keepAll);
window.addEventListener('beforeunload', (event) => {
  keepAll();
  if (composers().some((form) => unkept.has(form) && !sent.has(form))) event.preventDefault();
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.getAttribute('action') === '/logout') draftKeys().forEach(dropDraft); // the next person at this desk
  if (!find('.composer textarea', form) || event.submitter?.formNoValidate) return; // a preview sends nothing
  keepDraft(form, true);
  requests.get(form)?.abort();
  clearTimeout(unsaved.get(form)?.timer);
  unsaved.delete(form);
  sent.add(form);
  if (!event.defaultPrevented) remember(draftKey(form));
});

document.addEventListener('htmx:after:request', (event) => {
  const { sourceElement: form, response, hx } = event.detail.ctx;
  if (!(form instanceof HTMLFormElement && sent.has(form))) return;
  // Whoever is signed out meanwhile is led to the sign-in page, and nothing was written.
  if (hx.redirect?.startsWith('/login')) sent.delete(form);
  else if (response.status >= 200 && response.status < 300) dropDraft(draftKey(form));
});

function remember(key) {
  try { sessionStorage.setItem('sent', key); } catch { /* then the draft stays until it is discarded */ }
}

// A plain form that was accepted is answered with a redirect; a page that came any other way (an error, the form again,
// the back button) or that asks to sign in proves nothing, and the draft stays.
function settleSent() {
  let key;
  try {
    key = sessionStorage.getItem('sent');
    sessionStorage.removeItem('sent');
  } catch { /* as above */ }
  const arrival = performance.getEntriesByType('navigation')[0];
  if (key && arrival?.type === 'navigate' && arrival.redirectCount > 0 && location.pathname !== '/login') dropDraft(key);
  for (const old of draftKeys()) if (!(Date.now() - readDraft(old)?.at < draftAge)) dropDraft(old);
}

// ---- Composer ----

// insert goes through the browser's own editing, which keeps undo; where that is gone, it writes the value.
function insert(area, text, start, end) {
  area.focus();
  area.setSelectionRange(start, end);
  if (!document.execCommand('insertText', false, text)) {
    area.setRangeText(text, start, end, 'end');
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

// wrap puts marks round the selection, or takes them away. With none, the cursor stands between them.
function wrap(area, before, after = before) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  const picked = value.slice(start, end);
  const marked = value.slice(start - before.length, start) === before && value.slice(end, end + after.length) === after;
  if (marked && before.length > 0) {
    insert(area, picked, start - before.length, end + after.length);
    area.setSelectionRange(start - before.length, end - before.length);
  } else {
    insert(area, before + picked + after, start, end);
    area.setSelectionRange(start + before.length, end + before.length);
  }
}

// prefix begins each line of the selection with a mark, or takes it away where all lines have it.
function prefix(area, mark, pattern) {
  const { value } = area;
  const start = value.lastIndexOf('\n', area.selectionStart - 1) + 1;
  const next = value.indexOf('\n', Math.max(area.selectionEnd - (area.selectionEnd > area.selectionStart ? 1 : 0), start));
  const end = next < 0 ? value.length : next;
  const lines = value.slice(start, end).split('\n');
  const all = lines.every((line) => pattern.test(line));
  const text = lines.map((line, i) => (all ? line.replace(pattern, '') : mark(i) + line)).join('\n');
  insert(area, text, start, end);
  if (lines.length > 1) area.setSelectionRange(start, start + text.length);
}

const tools = {
  heading: (area) => prefix(area, () => '## ', /^#{1,6} /),
  bold: (area) => wrap(area, '**'),
  italic: (area) => wrap(area, '*'),
  quote: (area) => prefix(area, () => '> ', /^> ?/),
  list: (area) => prefix(area, () => '- ', /^[-*+] /),
  numbers: (area) => prefix(area, (i) => `${i + 1}. `, /^\d+[.)] /),
  mention: (area) => wrap(area, '@', ''),
  code: (area) => {
    const several = area.value.slice(area.selectionStart, area.selectionEnd).includes('\n');
    if (several) wrap(area, '\x60\x60\x60\n', '\n\x60\x60\x60');
    else wrap(area, '\x60');
  },
  link: (area) => {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const picked = value.slice(start, end);
    const address = /^https?:\/\/\S+$/.test(picked);
    insert(area, address ? `[](${picked})` : `[${picked}]()`, start, end);
    const cursor = address || !picked ? start + 1 : start + picked.length + 3;
    area.setSelectionRange(cursor, cursor);
  },
  table: (area) => insert(area, '\n|  |  |\n| --- | --- |\n|  |  |\n', area.selectionEnd, area.selectionEnd),
};

// Words that are selected where one can answer are offered to be quoted into the answer: into the form that was written in
// last, or the one below the thread.
let lastWritten = null;
const offer = button(texts.quote ?? '', { class: 'button primary quote-offer' });
offer.prepend(icon('quote'));
document.addEventListener('focusin', (event) => {
  if (event.target.matches('.reply-form textarea')) lastWritten = event.target;
});
document.addEventListener('selectionchange', () => {
  const selection = getSelection();
  const from = (node) => (node instanceof Element ? node : node?.parentElement)?.closest('.prose')?.closest('[data-quote], .comment-own:has([data-key=r])');
  const said = texts.quote && !selection.isCollapsed && from(selection.anchorNode);
  offer.source = said && said === from(selection.focusNode) ? said : null;
  if (offer.source) document.body.append(offer);
  else offer.remove();
});
const quoteAs = ({ dataset, id }) => dataset.quote ?? texts.quoteAs.replace('%s', find(`#${id} .comment-name`).pathname.slice(3)).replace('%s', `/comments/${id.slice(1)}`);
offer.addEventListener('pointerdown', (event) => event.preventDefault()); // the selection stays
offer.addEventListener('click', () => {
  const area = lastWritten?.isConnected ? lastWritten : find('#reply textarea');
  const text = getSelection().toString().trim().slice(0, 4000);
  const { source } = offer;
  getSelection().removeAllRanges();
  if (!area || !text || !source) return;
  const gap = area.value.trim() ? `${area.value.trimEnd()}\n\n` : '';
  insert(area, `${gap}${quoteAs(source)}\n\n${text.replace(/^/gm, '> ')}\n\n`, 0, area.value.length);
  area.scrollIntoView({ block: 'center' });
});

const grows = CSS.supports('field-sizing', 'content');
const mostRows = 40;

function grow(area) {
  if (grows || area.tagName !== 'TEXTAREA') return;
  while (area.scrollHeight > area.clientHeight && area.rows < mostRows) area.rows += 1;
}

// A preview that came below the edge of the screen is brought up: its button is above it.
document.addEventListener('htmx:after:swap', () => {
  const preview = find('#preview');
  if (document.activeElement?.name === 'preview' && preview?.getBoundingClientRect().top > innerHeight * .6) preview.scrollIntoView();
});

// ---- Clicks ----

document.addEventListener('click', (event) => {
  if (!(event.target instanceof Element)) return;
  const tool = event.target.closest('[data-tool]');
  if (tool) tools[tool.dataset.tool]?.(find('textarea', tool.closest('.composer')));
  const discard = event.target.closest('[data-discard]');
  if (discard) {
    event.preventDefault();
    discardDraft(discard.form);
  }
  event.target.closest('[data-dismiss]')?.closest('.toast')?.remove();
  if (event.target.closest('[data-keys]')) {
    event.target.closest('[popover]')?.hidePopover();
    showKeys();
  }
  // What was chosen in a sheet or a menu is wanted on the page behind it.
  const sheet = event.target.closest('.sheet a[href^="#"], .more a, .more button')?.closest('[popover]');
  if (sheet?.matches(':popover-open')) sheet.hidePopover();
  const cancel = event.target.closest('[data-cancel]');
  const form = cancel?.closest('form[hx-target="this"]');
  if (form) { // one that was opened in the page; on a page of its own the link leads back
    event.preventDefault();
    const opener = find('[data-key="r"]', form.previousElementSibling ?? form);
    keepDraft(form);
    saveDraft(form);
    form.remove();
    opener?.focus();
  }
});

document.addEventListener('change', (event) => {
  if (event.target.name === 'theme') {
    const theme = event.target.value;
    document.documentElement.dataset.theme = theme === 'light' || theme === 'dark' ? theme : '';
  }
});

// ---- Keys ----

const stops = '.post-row, .comment-own[id]';
let goUntil = 0; // a "g" waits for its second key until then

const here = () => document.activeElement?.closest(stops);

function move(by) {
  const all = findAll(stops).filter((element) => element.checkVisibility?.() ?? true);
  const at = all.indexOf(here());
  const seen = all.findIndex((element) => element.getBoundingClientRect().bottom > 80);
  const next = at >= 0 ? all[at + by] : all[seen];
  if (next) step(find('.post-row-title a', next) ?? next);
}

function showKeys() {
  const dialog = find('dialog#keys');
  if (dialog && !dialog.open) dialog.showModal();
}

const keys = {
  '/': () => find('input[type="search"], input[name="q"]')?.focus(),
  '?': showKeys,
  j: () => move(1),
  k: () => move(-1),
  o: () => {
    const at = here();
    const replies = at?.matches('.comment-own') && find(':scope > details.replies', at.parentElement);
    if (replies) replies.open = !replies.open;
    else if (at) (find('.post-row-title a', at) ?? find('.comment-time', at))?.click();
  },
  c: () => find('[data-key="c"]')?.click(),
  r: () => {
    const reply = here() && find('[data-key="r"]', here());
    if (reply) reply.click();
    else find('#reply textarea')?.focus();
  },
  l: () => (here() ? find('[data-key="l"]', here()) : find('.post .score button'))?.click(),
};

const places = { h: '/', n: '/notifications' };

// singleKeys says whether keys work without Ctrl, or sets it: who speaks to the browser may want them off.
function singleKeys(on) {
  try {
    if (on === undefined) return localStorage.getItem('single-keys') !== 'off';
    localStorage.setItem('single-keys', on ? 'on' : 'off');
  } catch { /* a browser that keeps nothing: they are on */ }
  return true;
}

document.addEventListener('keydown', (event) => {
  const target = event.target;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && target.form && target.closest('.composer')) {
    event.preventDefault();
    target.form.requestSubmit(find('button.primary:not([type="button"])', target.form));
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target.closest?.('input:not([type="radio"], [type="checkbox"]), textarea, select, [contenteditable], dialog[open]')) return;
  if (find('dialog[open]') || !singleKeys()) return;
  if (event.key === 'g') {
    goUntil = Date.now() + 1500;
    return;
  }
  const place = Date.now() < goUntil && places[event.key];
  goUntil = 0;
  if (place === '/' || (place && find(`a[href="${place}"]`))) {
    location.assign(place);
  } else if (!place && Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});

// ---- What is shown ----

// refreshTimes says anew how long ago things were, in the units of views/ui/time.go.
const units = [[60, 60], [3600, 24], [86_400, 14], [604_800, 60 / 7], [2_592_000, 365 / 30], [31_536_000, Infinity]];

function refreshTimes() {
  const words = texts.ago?.split('|');
  if (words?.length !== units.length || document.hidden) return;
  for (const element of findAll('time[datetime][title]')) {
    const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
    const i = units.findIndex(([length, most]) => seconds < length * most);
    const text = seconds < 60 ? texts.now : words[i]?.replace('%d', Math.floor(seconds / units[i][0]));
    if (text && element.textContent !== text) element.textContent = text;
  }
}

function copyButton(pre) {
  if (!navigator.clipboard || !texts.copy || pre.closest('.code-block')) return;
  const copy = button(texts.copy, { class: 'button quiet code-copy' });
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      copy.textContent = texts.copied ?? texts.copy;
      setTimeout(() => { copy.textContent = texts.copy; }, 2000);
    } catch { /* the browser said no; the text can still be selected */ }
  });
  around('code-block', pre, copy);
  if (pre.scrollWidth > pre.clientWidth) pre.tabIndex = 0;
}

function showPassword(input) {
  if (!texts.showPassword || input.closest('.password')) return;
  const show = button(icon('eye'), { class: 'button quiet', 'aria-label': texts.showPassword, 'aria-pressed': 'false' });
  show.addEventListener('click', () => {
    const hidden = input.type === 'password';
    input.type = hidden ? 'text' : 'password';
    show.setAttribute('aria-pressed', String(hidden));
  });
  around('password', input, show);
  input.form?.addEventListener('submit', () => { input.type = 'password'; });
}

// openTarget shows what a link leads to: a comment that stands among folded replies, or something in a sheet.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  const sheet = target.closest('.sheet[popover]');
  if (sheet && !sheet.checkVisibility()) sheet.showPopover();
  const folded = findAll('details:not([open])').filter((details) => details.contains(target));
  for (const details of folded) details.open = true;
  if (folded.length > 0) target.scrollIntoView();
}

const enhanced = new WeakSet();

function once(selector, work) {
  for (const element of findAll(selector)) {
    if (enhanced.has(element)) continue;
    enhanced.add(element);
    work(element);
  }
}

// enhance is called for the page and after each change of it.
function enhance() {
  once('.composer-tools[hidden], [data-keys][hidden]', (element) => { element.hidden = false; });
  once('[data-single-keys]', (box) => {
    box.checked = singleKeys();
    box.addEventListener('change', () => singleKeys(box.checked));
  });
  once('form:has(.composer textarea)', restoreDraft);
  once('.composer textarea, .title-input', grow);
  once('.prose pre', copyButton);
  once('input[type="password"]', showPassword);
  once('#toasts > .toast:not(.is-danger)', fade);
  keepFocus();
}

settleSent();
enhance();
openTarget();
window.addEventListener('hashchange', openTarget);
setInterval(refreshTimes, 60_000);
document.addEventListener('visibilitychange', refreshTimes);

let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  queueMicrotask(() => {
    waiting = false;
    enhance();
  });
}).observe(document.body, { childList: true, subtree: true });
