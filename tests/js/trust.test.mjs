/** From HTTP to HTTPS: what is carried, and where the page looks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pack, unpack } from '../../assets/js/model/device.js';
import { isTrusted, secureOrigin } from '../../assets/js/net/http.js';
import { deviceOf } from '../../assets/js/text/devices.js';
import { FakeClock, FakeStorage, settled } from './fakes.mjs';

/** @param {Record<string, string>} texts */
function stored(texts) {
  const storage = new FakeStorage();
  for (const [key, text] of Object.entries(texts)) storage.setItem(key, text);
  return storage;
}

test('what a device keeps for one person on one server is carried, and nothing else', () => {
  const from = stored({
    'chatbox.s1.7.draft.3': 'half "a" sentence\n',
    'chatbox.s1.7.out.nonce-1': '{"nonce":"nonce-1","room":3,"text":"hi"}',
    'chatbox.s1.7.lease': 'tab 123',
    'chatbox.s1.8.draft.3': 'of somebody else',
    'chatbox.s2.7.draft.3': 'on another server',
    'chatbox.theme': 'dark',
  });
  const to = stored({});
  unpack(to, 's1', 7, pack(from, 's1', 7) ?? '');
  const keys = Array.from({ length: to.length }, (_, i) => to.key(i) ?? '').sort();
  assert.deepEqual(keys, ['chatbox.s1.7.draft.3', 'chatbox.s1.7.out.nonce-1']);
  for (const key of keys) assert.equal(to.getItem(key), from.getItem(key));
});

test('what is there already is not written over', () => {
  const to = stored({ 'chatbox.s.1.draft.3': 'newer' });
  unpack(to, 's', 1, JSON.stringify({ 'draft.3': 'older', 'draft.4': 'x' }));
  assert.equal(to.getItem('chatbox.s.1.draft.3'), 'newer');
  assert.equal(to.getItem('chatbox.s.1.draft.4'), 'x');
});

test('what is too much to be carried is told, and what is broken does no harm', () => {
  const full = stored({ 'chatbox.s.1.out.n': 'x'.repeat(250_000) });
  assert.equal(pack(full, 's', 1), null);
  assert.equal(pack(null, 's', 1), '{}');
  const to = stored({});
  for (const text of ['', 'null', '[', '7', '{"draft.1": 7, "lease": "tab 1"}', '"text"', '["x"]']) unpack(to, 's', 1, text);
  const found = Array.from({ length: to.length }, (_, i) => to.key(i));
  assert.deepEqual(found, []);
});

test('HTTPS is at the same port, which HTTP does not always say', () => {
  assert.equal(secureOrigin({ hostname: '192.168.1.5', port: '8642' }), 'https://192.168.1.5:8642');
  assert.equal(secureOrigin({ hostname: '[fd00::2]', port: '' }), 'https://[fd00::2]:80');
});

test('only the same server, in time, is one that is trusted', async () => {
  const clock = new FakeClock();
  /** @type {[string, RequestInit | undefined][]} */
  const asked = [];
  /** @param {() => Promise<Response>} answer @returns {typeof globalThis.fetch} */
  const answering = (answer) => (url, options) => (asked.push([String(url), options]), answer());
  const json = (/** @type {unknown} */ body) => answering(async () => new Response(JSON.stringify(body)));
  const ask = (/** @type {typeof globalThis.fetch} */ fetch) => isTrusted('https://h:1', 's1', { fetch, clock });

  assert.equal(await ask(json({ id: 's1' })), true);
  assert.equal(await ask(json({ id: 's2' })), false);
  assert.equal(await ask(answering(async () => new Response('no JSON'))), false);
  assert.equal(await ask(answering(() => Promise.reject(new TypeError('certificate')))), false);
  assert.deepEqual(asked[0]?.[0], 'https://h:1/trust/ping');
  assert.equal(asked[0]?.[1]?.credentials, 'omit');

  /** @type {typeof globalThis.fetch} */
  const silent = (_, options) =>
    new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  const late = ask(silent);
  await settled();
  await clock.advance(3_000);
  assert.equal(await late, false);
});

test('a device is recognised by what its browser says', () => {
  const touch = 5;
  const of = (/** @type {string} */ userAgent, maxTouchPoints = 0) => deviceOf({ userAgent, maxTouchPoints });
  assert.equal(of('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36'), 'windows');
  assert.equal(of('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15'), 'macos');
  assert.equal(of('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15', touch), 'ios');
  assert.equal(of('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15', touch), 'ios');
  assert.equal(of('Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/150.0 Mobile', touch), 'android');
  assert.equal(of('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0'), 'linux');
  assert.equal(of('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'), 'firefox');
});
