// What happens while a page is open comes over one stream. Nothing that is read or typed moves: what changed changes in
// its place, and what is new is counted on a bookmark until its reader asks for it. EventSource gives up for good at any
// answer that is no stream, so this file opens it again, later each time; a hidden tab lets go of its connection, since a
// browser has six for a site, and goes on where it was.

const { topic, after, since, me } = document.body.dataset;
const texts = document.querySelector('#texts')?.dataset ?? {};
const [kind, number] = topic?.split(':') ?? [];
const element = (id) => document.getElementById(id);

const hiddenFor = 10_000; // ms until a hidden tab lets go
const longest = 300_000; // ms between two tries
const slack = 5000; // ms that a comment may have been written before the page was asked for, and still not be on it

let source = null;
let cursor = after ?? '';
let tries = 0;
let timer;

function open() {
  clearTimeout(timer);
  if (source || document.hidden) return;
  const query = new URLSearchParams();
  if (topic) query.set('topic', topic);
  if (cursor) query.set('after', cursor);
  source = new EventSource(`/events?${query}`);
  for (const [name, act] of Object.entries(heard)) {
    source.addEventListener(name, (event) => {
      tries = 0;
      cursor = event.lastEventId || cursor;
      act(event.data);
    });
  }
  source.addEventListener('open', () => { document.body.dataset.stream = 'open'; });
  source.addEventListener('error', () => {
    if (source?.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
    close();
    tries += 1;
    timer = setTimeout(open, Math.min(longest, 1000 * 2 ** tries) * (1 + Math.random()));
  });
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

// ---- What is heard ----

function parse(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// put lets htmx put each part into its place.
const put = (html) => window.htmx.swap({ sourceElement: document.body, target: document.body, text: html, swap: 'none' });
const swap = (html) => put(parse(html).innerHTML);

const news = new Set(); // comments or posts that are not on the page

function notice(id, by, count) {
  if (by === me) setTimeout(count, 3000); // what was written in this tab is on its way into it
  else count();
}

// changed: a comment that is open in a form stays as it is. Who may take one away sees more of it when it is gone, and one
// that came back is made anew for each who saw it go: these ask for it, not all at once, and not when the answer to what
// they did themselves has brought it meanwhile.
function changed(id, gone, part) {
  const asks = () => element(`c${id}`)?.querySelector(gone ? '[action$="/delete"], [href$="/remove"]' : '.gone');
  if (element(`c${id}`).matches(gone ? 'form, .is-gone' : 'form')) return;
  if (!asks()) return put(part.innerHTML);
  setTimeout(() => {
    if (asks()) window.htmx.ajax('GET', `/comments/${id}`, { target: `#c${id}`, swap: 'outerHTML' });
  }, Math.random() * 1000);
}

const heard = {
  comment(html) {
    const part = parse(html);
    const { comment: id, by, gone, at } = part.dataset;
    if (element(`c${id}`)) changed(id, gone !== undefined, part);
    else if (gone !== undefined) {
      put(part.innerHTML); // the number of them all
      news.delete(id);
      show();
    } else if (Number(at) > Number(since) - slack) {
      notice(id, by, () => { news.add(id); show(); });
    }
  },
  post(html) {
    const { post: id, by, gone } = parse(html).dataset;
    if (!id) return swap(html);
    if (gone !== undefined) news.delete(id);
    else if (by !== me) news.add(id);
    show();
  },
  reaction: swap,
  presence: swap,
  unread: swap,
  notification: swap,
  reset() {
    stale = true;
    show();
  },
  bye() {},
};

// ---- The bookmark ----

let stale = false; // more has happened than was told: only the page itself can show it
const made = document.querySelector('.arrivals'); // the bookmark that the page came with, until what it counts was looked at
let before = Number(made?.dataset.count ?? 0);

function show() {
  if (stale) return bookmark(texts.reload, location.pathname + location.search);
  for (const id of news) if (element(`c${id}`)) news.delete(id);
  if (news.size === 0 && made?.isConnected) return;
  const count = news.size + before;
  const [one, many] = (kind === 'post' ? texts.newComments : texts.newPosts).split('|');
  const text = count === 1 ? one : many.replace('%d', count);
  bookmark(count > 0 && text, before > 0 ? made.firstElementChild.hash : kind === 'post' ? `/comments/${[...news][0]}` : location.pathname);
}

// bookmark hangs a link from the top bar, and from the bar at a phone's foot where a post is read; without a text it goes.
function bookmark(text, href) {
  let pill = element('news');
  if (!text) return pill?.remove();
  if (!pill) {
    made?.remove();
    pill = Object.assign(document.createElement('div'), { className: 'arrivals', id: 'news' });
    pill.setAttribute('role', 'status');
    element('main').prepend(pill);
  }
  const link = document.createElement('a');
  link.href = href;
  link.textContent = text;
  pill.replaceChildren(link);
}

document.addEventListener('click', (event) => {
  if (kind !== 'post' || stale || !event.target.closest?.('.arrivals a, .bar-new')) return;
  const seen = before > 0 && made.firstElementChild.hash.slice(1);
  before = 0;
  if (news.size === 0 || !event.target.closest('#news')) return show();
  event.preventDefault();
  const ids = [...news].slice(0, 100); // as many as one answer holds
  window.htmx.ajax('GET', `/p/${number}/new?${ids.map((id) => `id=${id}`).join('&')}`, { target: '#comments', swap: 'none' }).then(() => {
    const first = [seen, ...ids.map((id) => `c${id}`)].map(element).find(Boolean);
    show(); // of those that are on other pages of the thread
    if (!first) return location.assign(`/comments/${ids[0]}`);
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
    first.scrollIntoView({ block: 'center' });
  });
});

if (topic || me) {
  open();
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(close, hiddenFor);
    else open();
  });
  addEventListener('pagehide', close);
  addEventListener('pageshow', open);
}
