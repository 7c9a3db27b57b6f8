// Sends a statement by @xapi/xapi with each of the contents that are named as attachments: node send.js URL CONTENT...
// A content is "text:…" or "bytes", which are all there are. The answer, or what went wrong, comes out as JSON.
const { createHash, randomUUID } = require('node:crypto');
const { createRequire } = require('node:module');
const path = require('node:path');

// Its modules are where npm has put them, and this file is elsewhere.
const XAPI = createRequire(path.join(process.env.PANNIER_XAPI_JS, 'package.json'))('@xapi/xapi').default;

const [url, ...named] = process.argv.slice(2);
const contents = named.map((name) =>
  name === 'bytes' ? Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) : Buffer.from(name.slice('text:'.length)));

const statement = {
  id: randomUUID(),
  actor: { objectType: 'Agent', mbox: 'mailto:ada@example.com' },
  verb: { id: 'http://adlnet.gov/expapi/verbs/attempted' },
  object: { objectType: 'Activity', id: 'https://school.example/knots/bowline' },
  attachments: contents.map((content, index) => ({
    usageType: 'http://id.tincanapi.com/attachment/supporting_media',
    display: { en: 'Log' },
    contentType: named[index] === 'bytes' ? 'application/octet-stream' : 'text/plain',
    length: content.length,
    sha2: createHash('sha256').update(content).digest('hex'),
  })),
};

const attachments = contents.map((content) =>
  content.buffer.slice(content.byteOffset, content.byteOffset + content.length));
const xapi = new XAPI({ endpoint: `${url}/`, auth: XAPI.toBasicAuth('me', 'secret'), adapter: 'fetch' });
xapi.sendStatement({ statement, attachments }).then(
  (response) => console.log(JSON.stringify({ id: statement.id, answer: response.data })),
  (error) => console.log(JSON.stringify({ error: error.response ? error.response.data : String(error) })),
);
