// Texts of orders as elements. They come from strangers, so they only ever become text nodes, never markup.

const make = (tag, words) => Object.assign(document.createElement(tag), { textContent: words });

// blocks makes elements of a text: plain, or the simple markdown that orders may have.
export function blocks(text, markdown) {
  if (!markdown) return [make('p', text)];
  const out = [];
  let list = null, table = null;
  for (const line of text.split(/\r\n|\r|\n/)) {
    const bullet = /^\s*\+\s+(.*)/.exec(line), heading = /^(#{1,3})\s+(.*)/.exec(line);
    if (!bullet) list = null;
    if (!line.startsWith('|')) table = null;
    if (bullet) {
      if (!list) out.push(list = document.createElement('ul'));
      list.append(emphasis(make('li', ''), bullet[1]));
    } else if (heading) {
      out.push(emphasis(make('h3', ''), heading[2]));
    } else if (line.startsWith('|')) {
      if (!table) out.push(table = document.createElement('table'));
      addRow(table, line);
    } else if (/^(---+|\*\*\*+)\s*$/.test(line)) {
      out.push(document.createElement('hr'));
    } else if (line.trim()) {
      out.push(emphasis(make('p', ''), line));
    }
  }
  return out;
}

// addRow adds a line such as "| a | b |"; one of dashes makes the row above it a heading.
function addRow(table, line) {
  const cells = line.replace(/^\||\|\s*$/g, '').split('|').map((c) => c.trim());
  if (cells.every((c) => /^:?-+:?$/.test(c))) {
    for (const c of table.rows[0]?.cells || []) c.className = 'head';
    return;
  }
  const row = table.insertRow();
  for (const c of cells) emphasis(row.insertCell(), c);
}

function emphasis(into, text) {
  for (const part of text.split(/(\*\*?[^*]+\*\*?)/)) {
    const m = /^(\*\*?)([^*]+)\1$/.exec(part);
    if (m) into.append(make(m[1] === '**' ? 'strong' : 'em', m[2]));
    else into.append(part);
  }
  return into;
}
