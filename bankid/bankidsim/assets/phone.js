// The virtual phone. It talks to the control API only, keeps the chosen person in this browser, and shows texts from
// orders as text, never as markup.

import { blocks } from './text.js';
import { known, otherLanguage, speak, text } from './words.js';
import { film, filming, hasCamera, pictureIn, readable, stopFilming } from './scan.js';

const $ = (id) => document.getElementById(id);
const screens = ['people', 'home', 'order', 'done'];
let people = [];
let person = null;   // who holds the phone
let order = null;    // the order on screen
let link = null;     // a launch link that waits for a person
let shown = '';
let busy = false;
const hostLanguage = new URLSearchParams(location.search).get('lang'); // that of the page which led here

// usual is who holds the phone until somebody else is chosen.
const usual = '198502039822';

// usualCode stands in the field until another is typed: nobody should have to think of one.
const usualCode = '123456';

async function api(method, path, body) {
  const picture = body instanceof Blob;
  const headers = body ? { 'Content-Type': picture ? body.type : 'application/json' } : {};
  const answer = await fetch(path, { method, headers, body: picture || !body ? body : JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(known('refused.' + value.error) ? text('refused.' + value.error) : value.message), { code: value.error });
  return value;
}

function say(text) {
  $('message').textContent = text ? text[0].toUpperCase() + text.slice(1) : '';
  $('message').hidden = !text;
}

function show(name) {
  if (shown === name) return;
  shown = name;
  if (name !== 'home') stopFilming();
  for (const s of screens) $(s).hidden = s !== name;
  $('who').hidden = !person || name !== 'home';
  $(name).querySelector('h1').focus({ preventScroll: true });
}

// fullName is the name of a person, who may have a given name or a surname alone.
function fullName(p) {
  return [p.givenName, p.surname].filter(Boolean).join(' ');
}

function remember(p) {
  person = p;
  $('who-name').textContent = fullName({ ...p, givenName: p.givenName.split(' ')[0] });
  $('who-face').textContent = fullName(p)[0];
  keep('person', p.personalNumber);
}

// keep and kept remember a choice from one visit to the next, where the browser lets them.
function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* storage may be off */ }
}

function kept(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

// icon makes a drawing of one path.
function icon(path) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), p = document.createElementNS(svg.namespaceURI, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  p.setAttribute('d', path);
  svg.append(p);
  return svg;
}

const codeIcon = 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h3v3h-3zM18 18h2v2M20 14v1M14 20h1';
const callIcon = 'M6 3h3l2 5-2.5 1.5a11 11 0 0 0 5.5 5.5L15.5 12.5l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z';

function item(face, title, detail, data, onclick) {
  const li = document.createElement('li'), button = document.createElement('button');
  const f = document.createElement('span'), words = document.createElement('span'), b = document.createElement('b'), d = document.createElement('span');
  button.type = 'button';
  f.className = 'face';
  f.setAttribute('aria-hidden', 'true');
  f.append(face);
  b.textContent = title;
  d.textContent = detail;
  words.append(b, d);
  button.append(f, words);
  Object.assign(button.dataset, data);
  button.addEventListener('click', onclick);
  li.append(button);
  return li;
}

function showPeople() {
  $('people-list').replaceChildren(...people.slice(0, 40).map((p) =>
    item(fullName(p)[0], fullName(p), known(p.note) ? text(p.note) : p.note || p.personalNumber, { person: p.personalNumber }, () => { remember(p); next(); })));
  show('people');
}

function next() {
  say('');
  if (!person) return showPeople();
  if (link) {
    const url = link;
    link = null;
    return pickUp('/api/open', { url });
  }
  show('home');
  refresh();
}

async function act(work) {
  if (busy) return;
  busy = true;
  try { say(''); await work(); } catch (e) { say(e.message); if (!order && shown !== 'people') show('home'); }
  busy = false;
}

const pickUp = (path, body) => act(async () => {
  showOrder(await api('POST', path, { ...body, personalNumber: person.personalNumber }));
});

function step(action, body) {
  if (!order) return;
  return act(async () => {
    const ref = order.orderRef;
    try {
      showOrder(await api('POST', `/api/orders/${encodeURIComponent(ref)}/${action}`, body || {}));
    } catch (e) {
      if (e.code === 'blocked' || e.code === 'orderEnded') return showOrder(await api('GET', `/api/orders/${encodeURIComponent(ref)}`));
      if (e.code === 'wrongCode') $('code').value = '';
      throw e;
    }
  });
}

function showOrder(o) {
  const fresh = !order || order.orderRef !== o.orderRef;
  order = o;
  if (o.state !== 'pending') return showEnd(o);
  const words = wordsOf(o);
  showTransaction(o.transaction);
  $('order-text').setAttribute('aria-label', text('textFrom'));
  $('order-kind').textContent = text(words.kind);
  $('order-rp').textContent = o.rpName;
  $('order-who').textContent = o.pickedUp ? text('as', { name: fullName(person), number: person.personalNumber }) : text('looking');
  if (fresh) {
    $('order-text').replaceChildren(...blocks(o.visibleText || '', o.visibleFormat === 'simpleMarkdownV1'));
    $('order-text').hidden = !o.visibleText;
    $('code').value = usualCode;
  }
  $('approve-button').textContent = text(words.button);
  $('approve').hidden = o.step !== 'approve';
  $('call').hidden = o.step !== 'call';
  $('document').hidden = o.step !== 'document';
  show('order');
  if (fresh && o.step === 'approve') {
    $('code').focus({ preventScroll: true });
    $('code').select();
  }
}

// showTransaction shows what is paid; nothing of an order that is no payment.
function showTransaction(t) {
  const line = (name, value, className) => [
    Object.assign(document.createElement('dt'), { textContent: text(name) }), Object.assign(document.createElement('dd'), { textContent: value, className }),
  ];
  const lines = [...(t?.amount ? line('amount', `${t.amount} ${t.currency}`, 'sum') : []), ...(t ? line('recipient', t.recipient, '') : [])];
  $('order-paid').hidden = !t;
  if ($('order-paid').textContent !== lines.map((e) => e.textContent).join('')) $('order-paid').replaceChildren(...lines);
  $('order-warning').textContent = t?.riskWarning || '';
  $('order-warning').hidden = !t?.riskWarning;
}

function showEnd(o) {
  const good = o.state === 'complete', back = o.returnUrl || '';
  const web = /^https?:\/\//i.test(back); // never a link to a script
  $('done-mark').replaceChildren(icon(good ? 'M5 12.5l4.5 4.5L19 7.5' : 'M12 6v7M12 17.5v.5'));
  $('done-mark').classList.toggle('bad', !good);
  $('done-title').textContent = text(good ? 'done' : 'notDone');
  $('done-text').textContent = ending(o, good, back, web);
  $('done-link').hidden = !(good && web);
  $('done-close').hidden = $('done-stay').hidden = good && web;
  if (good && web) {
    $('done-link').href = back;
    setTimeout(() => { if (order === o) location.assign(back); }, 600);
  }
  show('done');
  if (!(good && web)) $('done-close').focus({ preventScroll: true });
}

// ending says how an order ended, and what happens next.
function ending(o, good, back, web) {
  if (!good) return known(o.hintCode) ? text(o.hintCode) : text('ended', { hint: o.hintCode });
  if (!back) return text('goBack');
  return web ? text('goingBack') : text('wouldOpen', { address: back });
}

// putAway closes the tab, which browsers allow where it has shown nothing else; the phone is ready for the next order otherwise.
function putAway() {
  order = null;
  window.close();
  next();
}

// refresh keeps the screen true: what waits, and whether the order on screen has ended.
async function refresh() {
  if (!person || busy || document.hidden) return;
  try {
    if (shown === 'home') {
      const list = (await api('GET', '/api/orders?state=pending')).filter((o) => !o.pickedUp || o.personalNumber === person.personalNumber);
      if (shown !== 'home') return;
      const mine = list.find((o) => o.pickedUp);
      if (mine) return showOrder(mine);
      const open = list.filter((o) => !o.personalNumber || o.personalNumber === person.personalNumber);
      listWaiting(open);
    } else if (shown === 'order' && order) {
      const o = await api('GET', `/api/orders/${encodeURIComponent(order.orderRef)}`);
      if (shown === 'order' && order.orderRef === o.orderRef && !busy) showOrder(o);
    }
  } catch (e) {
    if (shown === 'order' && e.code === 'unknownOrder') { order = null; show('home'); }
  }
}

let listed = null;

// listWaiting shows the orders that wait, each with the one thing to do. The rest of the screen makes room.
function listWaiting(open) {
  const ids = open.map((o) => o.orderRef).join();
  for (const o of open) {
    const left = $('waiting-list').querySelector(`[data-order="${o.orderRef}"] .left`);
    if (left) left.textContent = text('seconds', { n: Math.max(0, o.secondsLeft) });
  }
  if (ids === listed) return;
  if (!listed !== !ids || listed === null) $('scan-details').open = !ids;
  listed = ids;
  $('home-title').textContent = text(titleOf(open));
  $('home-lead').textContent = text(!ids ? 'readyLead' : open.every(isCall) ? 'waitingCallLead' : 'waitingLead');
  $('scan-summary').textContent = text(ids ? 'scanOther' : 'scanPicture');
  $('waiting-list').hidden = !ids;
  const had = $('waiting-list').contains(document.activeElement);
  $('waiting-list').replaceChildren(...open.map(waitingCard));
  if (had) ($('waiting-list').querySelector('button') || $('home-title')).focus({ preventScroll: true });
}

const isCall = (o) => o.kind.startsWith('phone/');

// isPushed says whether the order reaches the person's app by itself, so that there is no code to scan.
const isPushed = (o) => isCall(o) || o.kind === 'other/payment';

// wordsOf are the keys of what is said of an order, by what the person is asked for.
function wordsOf(o) {
  if (o.transaction?.type === 'card') return { kind: 'payFor', button: 'approve', wants: 'wantsPay', title: 'waitingPay' };
  if (o.transaction) return { kind: 'approveFor', button: 'approve', wants: 'wantsApprove', title: 'waitingApprove' };
  if (o.kind.endsWith('sign')) return { kind: 'signFor', button: 'sign', wants: isCall(o) ? 'callsSign' : 'wantsSign', title: 'waitingSign' };
  return { kind: 'identifyTo', button: 'identify', wants: isCall(o) ? 'calls' : 'wantsIdentify', title: 'waiting' };
}

// titleOf is the key of what waits: several kinds of orders at once are told as logins, which most are.
function titleOf(open) {
  if (!open.length) return 'ready';
  if (open.every(isCall)) return 'waitingCall';
  const title = wordsOf(open[0]).title;
  return open.every((o) => wordsOf(o).title === title) ? title : 'waiting';
}

function waitingCard(o) {
  const phone = isPushed(o);
  const make = (tag, className, words) => Object.assign(document.createElement(tag), { className, textContent: words });
  const li = make('li', 'card', ''), head = make('div', 'asks', ''), face = make('span', 'face', ''), words = make('div', '', '');
  face.setAttribute('aria-hidden', 'true');
  face.append(icon(phone ? callIcon : codeIcon));
  words.append(make('b', '', o.rpName), make('span', '', text(wordsOf(o).wants)));
  head.append(face, words, make('span', 'left', text('seconds', { n: Math.max(0, o.secondsLeft) })));
  const button = make('button', 'primary', text(phone ? 'answer' : 'scan'));
  button.type = 'button';
  button.addEventListener('click', () => pickUp(phone ? '/api/open' : '/api/scan', { orderRef: o.orderRef }));
  li.dataset.order = o.orderRef;
  li.append(head, button);
  return li;
}

function useText(given) {
  given = given.trim();
  if (!given) return say(text('noText'));
  pickUp(...(given.startsWith('bankid.') ? ['/api/scan', { qr: given }] : ['/api/open', { url: given }]));
}

const seen = (picture) => api('POST', `/api/scan-image?personalNumber=${encodeURIComponent(person.personalNumber)}`, picture);

const usePicture = (file) => act(async () => {
  let picture;
  try { picture = await readable(file); } catch { throw new Error(text('noPicture')); }
  showOrder(await seen(picture));
});

// toggleCamera films until a code is picked up, or the button is pressed again.
async function toggleCamera() {
  if (filming()) return stopFilming();
  say('');
  $('camera-button').textContent = text('cameraStop');
  $('finder').classList.add('live');
  $('finder').scrollIntoView({ block: 'center' });
  try {
    await film($('camera'), async (frame) => {
      if (busy) return false;
      try {
        const o = await seen(frame);
        if (shown === 'home') showOrder(o);
        return true;
      } catch (e) {
        if (e.code !== 'noQR') say(e.message);
        return false;
      }
    });
  } catch { say(text('noCamera')); }
  $('camera-button').textContent = text('camera');
  $('finder').classList.remove('live');
}

function listen() {
  $('who').addEventListener('click', () => { say(''); showPeople(); });
  $('scan').addEventListener('submit', (e) => { e.preventDefault(); useText($('scan-text').value); $('scan-text').value = ''; });
  $('scan-file').addEventListener('change', (e) => { if (e.target.files[0]) usePicture(e.target.files[0]); e.target.value = ''; });
  $('camera-button').addEventListener('click', toggleCamera);
  $('approve').addEventListener('submit', (e) => {
    e.preventDefault();
    if (!/^\d{6}$/.test($('code').value)) return say(text('sixDigits'));
    step('sign', { code: $('code').value });
  });
  $('call-yes').addEventListener('click', () => step('confirm', { onCall: true }));
  $('call-no').addEventListener('click', () => step('confirm', { onCall: false }));
  $('document-good').addEventListener('click', () => step('document', { good: true }));
  $('document-bad').addEventListener('click', () => step('document', { good: false }));
  $('cancel').addEventListener('click', () => step('cancel'));
  $('done-close').addEventListener('click', putAway);
  $('done-stay').addEventListener('click', () => { order = null; next(); });
  $('language').addEventListener('click', () => { keep('language', otherLanguage()); useLanguage(); });
  document.addEventListener('paste', (e) => {
    if (shown !== 'home') return;
    const picture = pictureIn(e.clipboardData);
    if (picture) { e.preventDefault(); usePicture(picture); } else if (!/^(TEXTAREA|INPUT)$/.test(e.target.tagName)) useText(e.clipboardData.getData('text'));
  });
  document.addEventListener('dragover', (e) => { e.preventDefault(); document.body.classList.add('drop'); });
  document.addEventListener('dragleave', () => document.body.classList.remove('drop'));
  document.addEventListener('drop', (e) => {
    e.preventDefault();
    document.body.classList.remove('drop');
    if (shown !== 'home') return;
    const picture = pictureIn(e.dataTransfer);
    if (picture) usePicture(picture); else useText(e.dataTransfer.getData('text'));
  });
}

const tick = () => { $('clock').textContent = new Date().toTimeString().slice(0, 5); };

// useLanguage writes everything anew that is on the screen.
function useLanguage() {
  speak(kept('language') || hostLanguage);
  $('language').lang = otherLanguage();
  listed = null;
  if (order) showOrder(order);
  else if (shown === 'people') showPeople();
  refresh();
}

async function begin() {
  useLanguage();
  listen();
  const query = new URLSearchParams(location.search);
  if (query.has('autostarttoken')) link = location.href;
  const wanted = query.get('person');
  history.replaceState(null, '', '/'); // the token does not stay in the address bar
  people = await api('GET', '/api/people');
  const holder = [wanted, kept('person'), usual].map((n) => people.find((p) => p.personalNumber === n)).find(Boolean) || people[0];
  if (holder) remember(holder);
  next();
  tick();
  setInterval(() => { tick(); refresh(); }, 1000);
  document.addEventListener('visibilitychange', refresh);
  $('camera-button').hidden = !await hasCamera();
}

begin().catch((e) => say(e.message));
