'use strict';
// For versions of Node that do not heed HTTPS_PROXY: leads https.request, https.get and fetch through it.
const [major, minor] = process.versions.node.split('.').map(Number);
const heedsIt = major >= 24 || (major === 22 && minor >= 21);
const proxy = process.env.HTTPS_PROXY;

if (!heedsIt && proxy) {
  const http = require('node:http');
  const https = require('node:https');
  const net = require('node:net');
  const tls = require('node:tls');
  const { hostname, port: proxyPort, username, password } = new URL(proxy);
  const authorization = 'Basic ' + Buffer.from(`${username}:${password}`).toString('base64');

  // A tunnel through the proxy.
  const dial = (host, port, done) => {
    const target = net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
    const request = http.request({
      host: hostname, port: proxyPort, method: 'CONNECT', path: target, agent: false,
      headers: { host: target, 'proxy-authorization': authorization },
    });
    request.once('connect', (answer, socket, head) => {
      if (answer.statusCode === 200) return done(null, socket);
      socket.destroy();
      done(new Error(head.toString().trim() || `the proxy answered ${answer.statusCode} for ${target}`));
    });
    request.once('error', done);
    request.end();
  };

  // TLS in a tunnel, as the program asked for it.
  const secure = (options, done) => {
    const host = (options.host || options.hostname || 'localhost').replace(/^\[|\]$/g, '');
    dial(host, options.port || 443, (error, socket) => {
      if (error) return done(error);
      const { path, host: _, port, ...rest } = options;
      const servername = options.servername || (net.isIP(host) ? undefined : host);
      done(null, tls.connect({ ...rest, host, servername, socket }));
    });
  };

  const direct = https.Agent.prototype.createConnection;
  https.Agent.prototype.createConnection = function (options, done) {
    if (options.socketPath || options.socket || typeof done !== 'function') return direct.apply(this, arguments);
    secure(options, done);
  };

  // fetch keeps its connections in a dispatcher, which exists from its first use on.
  const dispatcher = Symbol.for('undici.globalDispatcher.1');
  const connect = ({ hostname: host, port, protocol, servername }, done) => {
    const opened = (event) => (error, socket) => {
      if (error) return done(error, null);
      socket.once('error', (wrong) => done(wrong, null));
      socket.once(event, () => done(null, socket));
    };
    if (protocol === 'https:') secure({ host, port, servername, ALPNProtocols: ['http/1.1'] }, opened('secureConnect'));
    else opened('connect')(null, net.connect(port || 80, host));
  };
  const original = globalThis.fetch;
  if (original) {
    let isSet = false;
    globalThis.fetch = function fetch(...request) {
      if (!isSet) {
        isSet = true;
        void globalThis.Headers;
        const current = globalThis[dispatcher];
        // Whoever has set another one means it.
        if (current && current.constructor.name === 'Agent') {
          globalThis[dispatcher] = new current.constructor({ connect });
        }
      }
      return original.apply(this, request);
    };
  }
}
