// The virtual phone. It talks to the control API only, keeps the chosen person in this browser, and shows texts from
// orders as text, never as markup.

import { blocks } from './text.js';
import { film, filming, hasCamera, pictureIn, readable, stopFilming } from './scan.js';

const $ = (id) => document.getElementById(id);
const screens = ['people', 'home', 'order', 'done'];
let people = [];
let person = null;   // who holds the phone
let order = null;    // the order on screen
let link = null;     // a launch link that waits for a person
let shown = '';
let busy = false;

const endings = {
  userCancel: 'You cancelled.', cancelled: 'Another order took its place, or the service withdrew it.', expiredTransaction: 'It took too long.',
  startFailed: 'Nobody picked it up in time.', certificateErr: 'Wrong code three times.', userDeclinedCall: 'You said that you are not on the phone.',
  mrtdVerificationFailed: 'The document could not be read.',
};

async function api(method, path, body) {
  const picture = body instanceof Blob;
  const headers = body ? { 'Content-Type': picture ? body.type : 'application/json' } : {};
  const answer = await fetch(path, { method, headers, body: picture || !body ? body : JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value.message), { code: value.error });
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
  $('who').hidden = !person || name === 'people' || name === 'order';
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
  $('who').setAttribute('aria-label', `${fullName(p)}. Change person`);
  try { localStorage.setItem('person', p.personalNumber); } catch { /* storage may be off */ }
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
    item(fullName(p)[0], fullName(p), p.note || p.personalNumber, { person: p.personalNumber }, () => { remember(p); next(); })));
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
  const signing = o.kind.endsWith('sign');
  $('order-kind').textContent = signing ? 'Sign a text for' : 'Identify yourself to';
  $('order-rp').textContent = o.rpName;
  $('order-who').textContent = o.pickedUp ? `As ${fullName(person)}, ${person.personalNumber}` : 'The app is looking for a BankID.';
  if (fresh) {
    $('order-text').replaceChildren(...blocks(o.visibleText || '', o.visibleFormat === 'simpleMarkdownV1'));
    $('order-text').hidden = !o.visibleText;
    $('code').value = '';
  }
  $('approve-button').textContent = signing ? 'Sign' : 'Identify';
  $('approve').hidden = o.step !== 'approve';
  $('call').hidden = o.step !== 'call';
  $('document').hidden = o.step !== 'document';
  show('order');
  if (fresh && o.step === 'approve') $('code').focus({ preventScroll: true });
}

function showEnd(o) {
  const good = o.state === 'complete';
  $('done-mark').textContent = good ? '✓' : '!';
  $('done-mark').classList.toggle('bad', !good);
  $('done-title').textContent = good ? 'Done' : 'Not done';
  const back = o.returnUrl || '';
  const web = /^https?:\/\//i.test(back); // never a link to a script
  $('done-text').textContent = good ? (back ? 'Taking you back.' : 'You can go back to the page where you started.') : (endings[o.hintCode] || `The order ended: ${o.hintCode}.`);
  $('done-link').hidden = !(good && web);
  if (good && web) {
    $('done-link').href = back;
    setTimeout(() => { if (order === o) location.assign(back); }, 600);
  } else if (good && back) {
    $('done-text').textContent = `A phone would now open ${back}`;
  }
  show('done');
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

let listed = '';
function listWaiting(open) {
  const key = open.map((o) => o.orderRef).join();
  $('waiting').hidden = !open.length;
  if (key === listed) {
    for (const o of open) $('waiting-list').querySelector(`[data-order="${o.orderRef}"] .left`).textContent = left(o);
    return;
  }
  listed = key;
  $('waiting-list').replaceChildren(...open.map((o) => {
    const phone = o.kind.startsWith('phone/'), signing = o.kind.endsWith('sign');
    const li = item(icon(phone ? callIcon : codeIcon), o.rpName, phone ? 'Calls you. Open' : (signing ? 'Scan its code to sign' : 'Scan its code to identify'), { order: o.orderRef },
      () => pickUp(phone ? '/api/open' : '/api/scan', { orderRef: o.orderRef }));
    li.firstChild.append(Object.assign(document.createElement('span'), { className: 'left', textContent: left(o) }));
    return li;
  }));
}

const left = (o) => `${Math.max(0, o.secondsLeft)} s`;

function useText(text) {
  text = text.trim();
  if (!text) return say('Paste the text of a code, or a launch link.');
  pickUp(...(text.startsWith('bankid.') ? ['/api/scan', { qr: text }] : ['/api/open', { url: text }]));
}

const seen = (picture) => api('POST', `/api/scan-image?personalNumber=${encodeURIComponent(person.personalNumber)}`, picture);

const usePicture = (file) => act(async () => {
  let picture;
  try { picture = await readable(file); } catch { throw new Error('the picture cannot be read.'); }
  showOrder(await seen(picture));
});

// toggleCamera films until a code is picked up, or the button is pressed again.
async function toggleCamera() {
  if (filming()) return stopFilming();
  say('');
  $('camera-button').textContent = 'Stop the camera';
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
  } catch { say('The camera cannot be used. Is it allowed for this page?'); }
  $('camera-button').textContent = 'Use the camera';
  $('finder').classList.remove('live');
}

function listen() {
  $('who').addEventListener('click', () => { say(''); showPeople(); });
  $('scan').addEventListener('submit', (e) => { e.preventDefault(); useText($('scan-text').value); $('scan-text').value = ''; });
  $('scan-file').addEventListener('change', (e) => { if (e.target.files[0]) usePicture(e.target.files[0]); e.target.value = ''; });
  $('camera-button').addEventListener('click', toggleCamera);
  $('approve').addEventListener('submit', (e) => {
    e.preventDefault();
    if (!/^\d{6}$/.test($('code').value)) return say('The code has six digits.');
    step('sign', { code: $('code').value });
  });
  $('call-yes').addEventListener('click', () => step('confirm', { onCall: true }));
  $('call-no').addEventListener('click', () => step('confirm', { onCall: false }));
  $('document-good').addEventListener('click', () => step('document', { good: true }));
  $('document-bad').addEventListener('click', () => step('document', { good: false }));
  $('cancel').addEventListener('click', () => step('cancel'));
  $('done-close').addEventListener('click', () => { order = null; next(); });
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

async function begin() {
  listen();
  const query = new URLSearchParams(location.search);
  if (query.has('autostarttoken')) link = location.href;
  const wanted = query.get('person');
  history.replaceState(null, '', '/'); // the token does not stay in the address bar
  people = await api('GET', '/api/people');
  let stored = null;
  try { stored = localStorage.getItem('person'); } catch { /* storage may be off */ }
  const known = people.find((p) => p.personalNumber === (wanted || stored));
  if (known) remember(known);
  next();
  tick();
  setInterval(() => { tick(); refresh(); }, 1000);
  $('camera-button').hidden = !await hasCamera();
}

begin().catch((e) => say(e.message));
