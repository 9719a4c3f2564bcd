// JSON and SQL, set so that they are easily read. They are cut into tokens, { kind, text }, and nothing in them is
// changed but the white space between: what was cut short or is not quite valid is set as far as it goes, and
// numbers keep all their digits.

// json sets a text that looks like JSON, or returns null if it does not.
export function json(text) {
  if (!/^\s*[{[]/.test(text)) return null
  const tokens = []
  const put = (kind, t) => tokens.push({ kind, text: t })
  let depth = 0
  // What is nested so deeply that no screen is wide enough stays on its line.
  const newline = () => { if (depth <= 20) put('space', '\n' + '  '.repeat(depth)) }
  const blank = (at) => {
    while (at < text.length && /\s/.test(text[at])) at++
    return at
  }
  let i = blank(0)
  while (i < text.length) {
    const c = text[i]
    if (c === '{' || c === '[') {
      const next = blank(i + 1)
      if (text[next] === (c === '{' ? '}' : ']')) {
        put('mark', c + text[next])
        i = blank(next + 1)
        continue
      }
      put('mark', c)
      depth++
      newline()
      i++
    } else if (c === '}' || c === ']') {
      depth = Math.max(0, depth - 1)
      newline()
      put('mark', c)
      i++
    } else if (c === ',') {
      put('mark', c)
      newline()
      i++
    } else if (c === ':') {
      put('mark', ': ')
      i++
    } else if (c === '"') {
      let end = i + 1
      while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
      const string = text.slice(i, end + 1)
      i = blank(end + 1)
      put(text[i] === ':' ? 'key' : string === '"****"' ? 'masked' : 'string', string)
    } else {
      let end = i + 1
      while (end < text.length && !/[\s{}[\],:"]/.test(text[end])) end++
      const word = text.slice(i, end)
      put(/^-?\d/.test(word) ? 'number' : 'word', word)
      i = end
    }
    i = blank(i)
  }
  return tokens
}

const keyword = /^(select|distinct|from|where|and|or|not|in|is|null|like|between|exists|as|on|using|join|left|right|inner|outer|full|cross|lateral|natural|group|by|order|having|limit|offset|fetch|union|all|except|intersect|insert|into|values|update|set|delete|returning|with|recursive|case|when|then|else|end|asc|desc|create|alter|drop|table|index|view|primary|key|default|begin|commit|rollback|savepoint|release|conflict|do|nothing|for|share|if|true|false|over|partition|explain|analyze|pragma|replace)$/i
const clause = /^(select|from|where|group|order|having|limit|offset|union|except|intersect|values|set|returning|join|left|right|inner|full|cross|insert|update|delete|with)$/i
// Words that begin no clause after some others: LEFT JOIN, DELETE FROM, ON CONFLICT DO UPDATE.
const continues = { join: /^(left|right|inner|outer|full|cross|natural)$/i, from: /^(delete|distinct)$/i, update: /^(for|do)$/i }
const token = /(\s+)|(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|("(?:[^"]|"")*"?|`[^`]*`?)|(\$\d+|\?|%\(\w+\)s|%s|[:@]\w+)|(\d+(?:\.\d+)?)|([\p{L}_][\p{L}\p{N}_$]*)|([\s\S])/gu

// sql sets a statement: each clause on a line of its own, unless the statement has lines already.
export function sql(text) {
  const tokens = []
  const lines = !text.trim().includes('\n')
  let depth = 0
  let previous = ''
  let space = ''
  for (const [whole, blank, comment, string, quoted, place, number, word] of text.trim().matchAll(token)) {
    if (blank) {
      space = lines ? ' ' : whole
      continue
    }
    const begins = word && clause.test(word) && !continues[word.toLowerCase()]?.test(previous)
    if (lines && depth === 0 && tokens.length > 0 && begins) space = '\n'
    else if (lines && depth === 0 && word && /^(and|or)$/i.test(word)) space = '\n  '
    if (space) tokens.push({ kind: 'space', text: space })
    space = ''
    if (whole === '(') depth++
    if (whole === ')') depth = Math.max(0, depth - 1)
    const kind = comment ? 'comment' : string ? (string === "'****'" ? 'masked' : 'string') : quoted ? 'key' : place ? 'place' : number ? 'number' : word ? (keyword.test(word) ? 'keyword' : 'word') : 'mark'
    tokens.push({ kind, text: whole })
    previous = whole
  }
  return maskedIn(tokens)
}

// **** that stands alone came from the masking as well.
function maskedIn(tokens) {
  const joined = []
  for (const t of tokens) {
    const last = joined.at(-1)
    if (t.text === '*' && last?.kind === 'stars') last.text += '*'
    else if (t.text === '*') joined.push({ kind: 'stars', text: '*' })
    else joined.push(t)
  }
  for (const t of joined) if (t.kind === 'stars') t.kind = t.text === '****' ? 'masked' : 'mark'
  return joined
}

// pairs reads an object of plain values, such as headers are written in, or returns null.
export function pairs(text) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const list = Object.entries(value)
  return list.every(([, v]) => v === null || typeof v !== 'object') ? list.map(([k, v]) => [k, String(v)]) : null
}
