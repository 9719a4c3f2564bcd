// What somebody sees who has no traces yet: what to run, ready to be copied.

import { copyButton, h } from './dom.js'

// firstSteps shows the commands that bring the first trace, with this viewer's own address.
export function firstSteps() {
  const endpoint = location.origin
  return h('div', { class: 'first-steps' },
    h('div', { class: 'pulse', 'aria-hidden': 'true' }),
    h('h2', null, 'Waiting for the first trace'),
    h('p', { class: 'lead' }, 'Nothing has come to ', h('code', null, endpoint), ' yet. Run one of these in another terminal; what it does appears here at once.'),
    step('The demo', 'a small shop of Python and Go services, with a slow and a failing path', ['lumigo demo']),
    step('Your Python application', 'not a line of it changes', [`OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint} \\`, '  lumigo run -- python app.py']),
    step('Your Go application', 'built with one word in front', ['lumigo go build -o app .', `OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint} ./app`]),
    step('Anything else', 'whatever speaks OTLP over HTTP, protobuf or JSON', [`export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`, 'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf']),
    h('p', { class: 'aside' }, 'Or drop a file of traces anywhere on this page: OTLP JSON, OTLP protobuf, or a span dump of ', h('code', null, 'LUMIGO_DEBUG_SPANDUMP'), '.'))
}

function step(title, says, lines) {
  const text = lines.join('\n')
  return h('section', { class: 'step' },
    h('h3', null, title, h('span', null, says)),
    h('div', { class: 'command' }, h('pre', { role: 'group', tabindex: 0, 'aria-label': `Command: ${title}` }, text), copyButton(`Copy the command: ${title}`, () => text)))
}
