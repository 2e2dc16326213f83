// The virtual card app. It talks to the control API only, keeps the chosen card in this browser, and shows texts from orders as text, never as markup.

const $ = (id) => document.getElementById(id);
const words = {
  en: {
    tag: 'Test app with cards', title: 'Virtual card app', madeUp: 'Everybody here is made up, and nobody is really identified.',
    whose: 'Whose card is in the reader?', none: 'Nothing waits for this card.', Authenticate: 'Identify yourself', Sign: 'Sign a text',
    left: (s) => `${s} seconds left`, sign: 'Enter PIN', cancel: 'Cancel', done: 'Done. You can go back.', gone: 'That order has ended.',
  },
  sv: {
    tag: 'Testapp med kort', title: 'Virtuell kortapp', madeUp: 'Alla här är påhittade, och ingen identifieras på riktigt.',
    whose: 'Vems kort sitter i läsaren?', none: 'Inget väntar på det här kortet.', Authenticate: 'Identifiera dig', Sign: 'Skriv under en text',
    left: (s) => `${s} sekunder kvar`, sign: 'Ange PIN', cancel: 'Avbryt', done: 'Klart. Du kan gå tillbaka.', gone: 'Den beställningen är avslutad.',
  },
};
const query = new URLSearchParams(location.search);
const language = (query.get('lang') || navigator.language).startsWith('sv') ? 'sv' : 'en';
const text = words[language];
let link = query.get('autostarttoken'); // an order that a launch link brought, until it has ended
const redirect = query.get('redirect');
if (link) history.replaceState(null, '', language === 'sv' ? '/?lang=sv' : '/'); // whoever has the token has the order

async function api(method, path, body) {
  const answer = await fetch(path, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.message);
  return value;
}

function say(message) {
  $('message').textContent = message || '';
  $('message').hidden = !message;
}

// forCard tells whether an order can be opened with the card: one for its person, or the one that the link brought.
function forCard(order, user) {
  if (order.secondsLeft <= 0 || !['OUTSTANDING_TRANSACTION', 'NO_CLIENT', 'STARTED', 'USER_SIGN', 'PENDING'].includes(order.status)) return false;
  if (order.sameDevice) return order.orderRef === link;
  const id = order.userId.toLowerCase();
  return id === user.id.toLowerCase() || id === (user.userPrincipalName || '').toLowerCase();
}

async function finish(order, what) {
  try {
    await api('POST', `/api/orders/${order.orderRef}/open`, { userId: $('card').value });
    await api('POST', `/api/orders/${order.orderRef}/${what}`);
    say('');
    if (order.orderRef === link) {
      link = null;
      if (redirect && /^https?:/.test(redirect)) { location.assign(redirect); return; }
    }
  } catch (e) {
    say(e.message || text.gone);
  }
  await look();
}

function item(order) {
  const li = $('order').content.cloneNode(true).firstElementChild;
  li.dataset.ref = order.orderRef;
  li.querySelector('.kind').textContent = text[order.operation];
  li.querySelector('h2').textContent = order.caller;
  li.querySelector('.text').textContent = order.text || '';
  li.querySelector('.text').hidden = !order.text;
  for (const [name, what] of [['sign', 'sign'], ['cancel', 'cancel']]) {
    li.querySelector('.' + name).textContent = text[name];
    li.querySelector('.' + name).addEventListener('click', () => finish(order, what));
  }
  return li;
}

// look shows what waits, and leaves alone what is shown already: a button must not go away under a finger.
async function look() {
  const user = users.find((u) => u.id === $('card').value);
  const orders = (await api('GET', '/api/orders')).filter((o) => forCard(o, user));
  for (const li of [...$('orders').children]) {
    if (!orders.some((o) => o.orderRef === li.dataset.ref)) li.remove();
  }
  for (const order of orders) {
    let li = [...$('orders').children].find((l) => l.dataset.ref === order.orderRef);
    if (!li) $('orders').append(li = item(order));
    li.querySelector('.left').textContent = text.left(order.secondsLeft);
  }
  $('none').hidden = orders.length > 0;
}

document.documentElement.lang = language;
for (const e of document.querySelectorAll('[data-t]')) e.textContent = text[e.dataset.t];
document.title = text.title;
const users = await api('GET', '/api/users');
for (const u of users) $('card').append(new Option(`${u.givenName} ${u.surname}, ${u.id}`, u.id));
const kept = localStorage.getItem('card');
if (users.some((u) => u.id === kept)) $('card').value = kept;
$('card').addEventListener('change', () => { localStorage.setItem('card', $('card').value); look().catch((e) => say(e.message)); });
for (;;) {
  try { await look(); } catch (e) { say(e.message); }
  await new Promise((done) => setTimeout(done, 1000));
}
