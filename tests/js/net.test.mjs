import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, debounce } from '../../assets/js/lib/time.js';
import { nonce } from '../../assets/js/protocol/frames.js';
import { Api, findAddress, upload } from '../../assets/js/net/http.js';
import { Heartbeat } from '../../assets/js/net/socket.js';
import { dice, FakeClock, settled } from './fakes.mjs';

test('every wait lies between nothing and a bound that doubles up to thirty seconds', () => {
  const seed = Date.now() % 1_000_000;
  const random = dice(seed);
  for (let round = 0; round < 200; round++) {
    const backoff = new Backoff(random);
    for (let tries = 0; tries < 12; tries++) {
      const wait = backoff.next();
      assert.ok(wait >= 0 && wait <= Math.min(30_000, 500 * 2 ** tries), `seed ${seed}: ${wait} after ${tries}`);
    }
  }
});

test('after a reset the first wait is short again, unless patience is asked for', () => {
  const backoff = new Backoff(() => 1);
  for (let i = 0; i < 9; i++) backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 500);
  backoff.reset();
  assert.equal(backoff.next(3), 4000);
});

test('a nonce has only letters that the protocol allows, and no two are alike', () => {
  const made = Array.from({ length: 1000 }, () => nonce());
  assert.ok(made.every((one) => /^[A-Za-z0-9_-]{22}$/.test(one)));
  assert.equal(new Set(made).size, 1000);
});

test('a heartbeat asks each twenty seconds and gives up ten seconds later', async () => {
  const clock = new FakeClock();
  const start = clock.now();
  /** @type {number[]} */
  const asked = [];
  let dead = 0;
  const answers = [Promise.resolve(), new Promise(() => {})];
  const ping = () => {
    asked.push(clock.now() - start);
    return answers.shift() ?? Promise.resolve();
  };
  const heartbeat = new Heartbeat({ ping, dead: () => (dead = clock.now() - start), clock });
  heartbeat.start();
  await clock.advance(60_000);
  assert.deepEqual([asked, dead], [[20_000, 40_000], 50_000]);
});

test('whatever arrives shows that a connection lives', async () => {
  const clock = new FakeClock();
  let dead = false;
  const heartbeat = new Heartbeat({ ping: () => new Promise(() => {}), dead: () => (dead = true), clock });
  heartbeat.start();
  await clock.advance(28_000);
  heartbeat.alive();
  await clock.advance(8_000);
  assert.equal(dead, false);
  await clock.advance(3_000);
  assert.equal(dead, true);
});

test('looking at the page again and again does not keep a dead connection alive', async () => {
  const clock = new FakeClock();
  const start = clock.now();
  let dead = 0;
  const heartbeat = new Heartbeat({ ping: () => new Promise(() => {}), dead: () => (dead = clock.now() - start), clock });
  heartbeat.start();
  await clock.advance(1_000);
  for (let look = 0; look < 4; look++) {
    heartbeat.check();
    await clock.advance(1_500);
  }
  assert.equal(dead, 5_000);
});

test('a call over HTTP gives the reply, or throws what the server said', async () => {
  /** @type {any[]} */
  const sent = [];
  const answers = [
    { ok: true, status: 200, json: async () => ({ a: 1 }) },
    { ok: false, status: 429, json: async () => ({ error: { code: 'rate_limited', message: 'Slow.', retry_in: 2, field: 'name' } }) },
    { ok: false, status: 502, json: async () => Promise.reject(new SyntaxError()) },
  ];
  const fetch = /** @type {any} */ (async (/** @type {string} */ url, /** @type {any} */ init) => {
    sent.push([url, init.body]);
    const answer = answers.shift();
    if (!answer) throw new TypeError('fetch failed');
    return answer;
  });
  const api = new Api({ fetch, clock: new FakeClock() });
  assert.deepEqual(await api.call('x.y', { b: 2, c: undefined }), { a: 1 });
  assert.deepEqual(sent, [['/api/x.y', '{"b":2}']]);
  await assert.rejects(api.call('x'), { code: 'rate_limited', message: 'Slow.', retryIn: 2, field: 'name', temporary: true, wait: 2000 });
  await assert.rejects(api.call('x'), { code: 'offline', lost: true });
  await assert.rejects(api.call('x'), { code: 'offline' });
});

test('a call over HTTP does not wait for ever', async () => {
  const clock = new FakeClock();
  const fetch = /** @type {any} */ ((/** @type {string} */ _, /** @type {any} */ { signal }) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))));
  const call = assert.rejects(new Api({ fetch, clock }).call('x'), { code: 'timeout' });
  await clock.advance(31_000);
  await call;
});

test('an upload tells its progress and gives the file', async () => {
  const { request, factory } = fakeRequest();
  /** @type {number[]} */
  const progress = [];
  const { promise } = upload(new Blob(['abc']), 'ä b.png', { factory, onprogress: (part) => progress.push(part) });
  request.upload.onprogress({ loaded: 1, total: 4 });
  Object.assign(request, { status: 200, response: { id: 'f1', name: 'ä b.png', size: 3, type: 'image/png' } });
  request.onload();
  assert.equal((await promise).id, 'f1');
  assert.deepEqual([request.opened, progress], [['POST', '/files?name=%C3%A4%20b.png'], [0.25]]);
});

test('an upload that is refused, cut or cancelled says which', async () => {
  for (const [event, code] of [['onload', 'storage_full'], ['onerror', 'offline'], ['onabort', 'aborted']]) {
    const { request, factory } = fakeRequest();
    const { promise } = upload(new Blob([]), 'x', { factory });
    Object.assign(request, { status: 507, response: { error: { code: 'storage_full', message: '' } } });
    request[event]();
    await assert.rejects(promise, { code });
  }
});

function fakeRequest() {
  /** @type {any} */
  const request = { upload: {}, open: (/** @type {string[]} */ ...to) => (request.opened = to), setRequestHeader() {}, send() {}, abort() {} };
  return { request, factory: () => request };
}

test('the first other address at which the same server answers is found', async () => {
  const fetch = /** @type {any} */ (async (/** @type {string} */ url) => {
    if (url.startsWith('http://b')) return new Response('{"id":"another"}');
    if (url.startsWith('http://c')) return new Response('{"id":"s1"}');
    throw new TypeError('no');
  });
  const clock = new FakeClock();
  const addresses = ['http://a', 'http://b/', 'http://d', 'http://c/'];
  assert.equal(await findAddress(addresses, 'http://a', 's1', { fetch, clock }), 'http://c');
  assert.equal(await findAddress(addresses, 'http://c', 's1', { fetch, clock }), null);
});

test('debounce waits for quiet and takes the latest', async () => {
  const clock = new FakeClock();
  /** @type {unknown[]} */
  const calls = [];
  const later = debounce((/** @type {number} */ n) => calls.push(n), 100, clock);
  for (let i = 0; i < 3; i++) {
    later(i);
    await clock.advance(60);
  }
  await clock.advance(100);
  later(9);
  later.flush();
  later(10);
  later.cancel();
  await settled();
  assert.deepEqual(calls, [2, 9]);
});
