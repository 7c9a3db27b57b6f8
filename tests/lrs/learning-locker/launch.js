// Runs Learning Locker's statements service on loopback over a fresh folder: launch.js FOLDER
//
// As shipped it dials MongoDB and Redis and binds every interface; here its own in-memory models
// and local storage are used, nothing is dialled, and 127.0.0.1 is bound. It asks an endpoint
// who a client is, so that endpoint is served here too.
//
// Prints "ready on 127.0.0.1:PORT" once it listens, and ends when its standard input does, so
// that it never outlives whoever started it.
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');

const folder = path.resolve(process.argv[2]);
const { LRS_USER: user, LRS_PASSWORD: password } = process.env;
const credentials = 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64');

const client = {
  _id: '111111111111111111111111',
  title: user,
  authority: { objectType: 'Agent', name: user, mbox: 'mailto:lrs@lrs.example' },
  isTrusted: true,
  lrs_id: '222222222222222222222222',
  organisation: '333333333333333333333333',
  scopes: ['xapi/all', 'all'],
};

const auth = http.createServer((request, response) => {
  const known = request.headers.authorization === credentials;
  response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(known ? client : {}));
});

auth.listen(0, '127.0.0.1', () => {
  for (const name of ['attachments', 'access']) {
    fs.mkdirSync(path.join(folder, name));
  }
  process.chdir(folder);
  Object.assign(process.env, {
    MODELS_REPO: 'memory',
    STORAGE_REPO: 'local',
    EVENTS_REPO: 'test',
    AUTH_REPO: 'fetch',
    SERVICE_AWAIT_UPDATES: 'true',
    EXPRESS_PORT: '0',
    EXPRESS_MORGAN_DIRECTORY: path.join(folder, 'access'),
    FS_LOCAL_STORAGE_DIR: folder,
    LL_CLIENT_INFO_ENDPOINT: `http://127.0.0.1:${auth.address().port}/auth`,
  });

  const dial = require.resolve('jscommons/dist/mongoRepo/utils/connectToDb');
  require.cache[dial] = { id: dial, loaded: true, exports: { default: () => () => new Promise(() => {}) } };

  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (port, done) {
    return listen.call(this, port, '127.0.0.1', () => {
      console.log(`ready on 127.0.0.1:${this.address().port}`);
      done();
    });
  };
  require('@learninglocker/xapi-statements/dist/server');
});

process.stdin.on('end', () => process.exit(0)).resume();
