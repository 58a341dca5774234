import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

/**
 * A WebSocket client after RFC 6455 that can set headers, as a browser's cannot: for tests that sign in by cookie or token.
 * Text frames, pings and closing; no extensions. It looks like a browser's `WebSocket` to the client's `Socket`.
 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class NodeSocket {
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;

  #key = randomBytes(16).toString('base64');
  #stream;
  /** @type {Buffer} */
  #received = Buffer.alloc(0);
  /** @type {Buffer[]} */
  #fragments = [];
  #open = false;
  #code = 1006;

  /**
   * @param {string} url
   * @param {Record<string, string>} [headers]
   */
  constructor(url, headers = {}) {
    const { protocol, hostname, port, host, pathname } = new URL(url);
    const secure = protocol === 'wss:';
    const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (secure ? 443 : 80)) };
    this.#stream = secure ? tls.connect({ ...address, rejectUnauthorized: false }) : net.connect(address);
    this.#stream.setNoDelay(true);
    this.#stream.on(secure ? 'secureConnect' : 'connect', () => this.#shakeHands(host, pathname, headers, secure));
    this.#stream.on('data', (data) => this.#take(data));
    this.#stream.on('error', () => {});
    this.#stream.on('close', () => this.#ended());
  }

  /** @param {string} text */
  send(text) {
    this.#write(TEXT, Buffer.from(text));
  }

  close(code = 1000) {
    if (this.#open) this.#write(CLOSE, Buffer.from([code >> 8, code & 255]));
    this.#stream.end();
    this.#stream.destroySoon();
  }

  /** Ends it without a word, as a pulled cable does. */
  cut() {
    this.#stream.destroy();
  }

  /**
   * @param {string} host
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {boolean} secure
   */
  #shakeHands(host, path, headers, secure) {
    const all = {
      Host: host, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': this.#key,
      Origin: `${secure ? 'https' : 'http'}://${host}`, ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#stream.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  /** @param {Buffer} data */
  #take(data) {
    this.#received = Buffer.concat([this.#received, data]);
    if (!this.#open && !this.#readHandshake()) return;
    while (this.#readFrame());
  }

  #readHandshake() {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [status, ...headers] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    this.#received = this.#received.subarray(end + 4);
    const accept = headers.find((line) => /^sec-websocket-accept:/i.test(line))?.split(': ')[1];
    const expected = createHash('sha1').update(this.#key + GUID).digest('base64');
    if (!/^HTTP\/1\.1 101 /.test(status) || accept !== expected) {
      this.#stream.destroy();
      return false;
    }
    this.#open = true;
    this.onopen?.({});
    return true;
  }

  /** @returns {boolean} whether a whole frame was there */
  #readFrame() {
    const data = this.#received;
    if (data.length < 2) return false;
    const short = data[1] & 127;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (data.length < start) return false;
    const size = short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short;
    if (data.length < start + size) return false;
    this.#received = data.subarray(start + size);
    this.#handle(data[0] & 15, Boolean(data[0] & 128), data.subarray(start, start + size));
    return true;
  }

  /**
   * @param {number} opcode
   * @param {boolean} final
   * @param {Buffer} payload
   */
  #handle(opcode, final, payload) {
    if (opcode === PING) this.#write(PONG, payload);
    if (opcode === CLOSE) {
      this.#code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.close(1000);
    }
    if (opcode !== TEXT && opcode !== CONTINUATION) return;
    this.#fragments.push(payload);
    if (!final) return;
    const data = Buffer.concat(this.#fragments).toString();
    this.#fragments = [];
    this.onmessage?.({ data });
  }

  /**
   * @param {number} opcode
   * @param {Buffer} payload masked, as every frame from a client is
   */
  #write(opcode, payload) {
    const mask = randomBytes(4);
    const size = payload.length;
    const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
    head[0] = 128 | opcode;
    head[1] = 128 | (size < 126 ? size : size < 65_536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(size, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
    this.#stream.write(Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3])]));
  }

  /** To be overridden: told of every end, also where nobody listens any more. @param {number} _code */
  ended(_code) {}

  #ended() {
    this.#open = false;
    this.ended(this.#code);
    this.onclose?.({ code: this.#code });
  }
}
