/**
 * The one WebSocket: opens it with the cookie, keeps it, and says truthfully how it stands.
 *
 * A state machine: connecting -> live -> (reconnecting -> live)* -> signed_out; barred until a second
 * factor is set, which begins anew. It knows close codes and the expiry of the credential; what frames mean is the store's business. Everything it touches
 * of the world comes in through `World`, so that it runs in a test without a browser.
 *
 * @typedef {import('./types.js').Link} Link
 * @typedef {import('./types.js').Frame} Frame
 * @typedef {'ok' | 'refused' | 'unavailable'} Renewal
 *
 * @typedef {object} World
 * @property {() => WebSocket} open a fresh socket
 * @property {() => Promise<Renewal>} check whether the cookie is good, renewed where needed
 * @property {() => Promise<Renewal>} renew a new cookie pair
 * @property {() => Promise<string | null>} ticket for a refresh in place
 * @property {(frame: Frame) => void} onFrame
 * @property {(link: Link, drop: boolean) => void} onLink `drop`: do not send unanswered commands again
 * @property {() => number} now ms
 * @property {(run: () => void, ms: number) => unknown} after starts a timer
 * @property {(timer: any) => void} cancel
 * @property {() => number} random
 */
import { afterClose, jittered } from './backoff.js';

const HANDSHAKE = 10_000;
const IDLE = 25_000;
const PONG = 8_000;
const LASTED = 5_000;
const BETWEEN_REFRESHES = 25_000;
const ENDED = 'Your session has ended.';
const NO_WAY = 'The live connection to HQ cannot be opened. It is tried again and again.';

export class Connection {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<string, unknown>} */ #timers = new Map();
  #attempt = 0;
  #welcomed = false;
  #everWelcomed = false;
  #ended = false;
  #isBarred = false;
  #refreshedAt = -Infinity;
  #expiresAt = -Infinity;
  #renewals = 0;
  /** @type {World} */ #world;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
  }

  start() {
    this.#say({ state: 'connecting' });
    void this.#connect();
  }

  /** Sends when live. @param {Frame} frame @returns {boolean} whether it left */
  send(frame) {
    if (!this.#welcomed || this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** A second factor is set: what was barred begins anew. */
  enrolled() {
    if (!this.#isBarred) return;
    this.#isBarred = false;
    this.start();
  }

  /** Tries at once instead of waiting: the button, or the network is back. */
  retryNow() {
    if (this.#ended || this.#socket || !this.#timers.has('retry')) return;
    this.#stop('retry');
    void this.#connect();
  }

  /** After sleep or a change of network: a live socket has to answer soon, a waiting one tries now. */
  probe() {
    if (this.#welcomed) this.#ping();
    else this.retryNow();
  }

  /** Closes for good. @param {string} why */
  end(why) {
    if (this.#ended) return;
    this.#ended = true;
    const socket = this.#socket;
    this.#forget();
    socket?.close(1000);
    this.#say({ state: 'signed_out', why });
  }

  /** Without a good cookie the server would wait for a first message that never comes: look first. */
  async #connect() {
    this.#say(this.#everWelcomed ? { state: 'reconnecting', at: null } : { state: 'connecting' });
    if (this.#world.now() < this.#expiresAt) return this.#open();
    const standing = await this.#world.check();
    if (this.#ended) return undefined;
    if (standing === 'ok') return this.#open();
    if (standing === 'refused') return this.end(this.#everWelcomed ? ENDED : '');
    this.#attempt += 1;
    return this.#retryIn(jittered(this.#attempt, this.#world.random), '', false);
  }

  #open() {
    this.#timer('handshake', HANDSHAKE, () => this.#drop());
    const socket = this.#world.open();
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      const frame = JSON.parse(data);
      if (frame.type !== 'auth_failed') this.#received(frame);
      else if (frame.code === 'forbidden') this.#barred(frame.message);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) void this.#closed(code, reason);
    };
  }

  /** The session is good and not enough: trying again changes nothing. @param {string} why */
  #barred(why) {
    const socket = this.#socket;
    this.#isBarred = true;
    this.#forget();
    socket?.close(1000);
    this.#say({ state: 'barred', why });
  }

  /** @param {Frame} frame */
  #received(frame) {
    this.#stop('pong');
    this.#timer('idle', IDLE, () => this.#ping());
    if (typeof frame.expires_at === 'string') this.#expiresAt = Date.parse(frame.expires_at);
    if (frame.type === 'welcome') {
      this.#stop('handshake');
      this.#welcomed = this.#everWelcomed = true;
      this.#renewals = 0;
      this.#timer('lasted', LASTED, () => { this.#attempt = 0; });
      this.#world.onFrame(frame);
      this.#say({ state: 'live' });
      return;
    }
    if (frame.type === 'token_expiring') this.#refreshSoon();
    this.#world.onFrame(frame);
  }

  /** @param {number} code @param {string} reason */
  async #closed(code, reason) {
    this.#forget();
    const verdict = afterClose(code, reason, this.#attempt, this.#world.random);
    this.#attempt += 1;
    if (verdict.does === 'sign_out') return this.end(verdict.why);
    if (verdict.does === 'renew') {
      if (this.#renewals > 2) return this.end('The server does not accept this session. Log in again.');
      this.#renewals += 1;
      this.#say({ state: this.#everWelcomed ? 'reconnecting' : 'connecting', at: null });
      const renewal = await this.#world.renew();
      if (this.#ended) return undefined;
      if (renewal === 'refused') return this.end(ENDED);
      if (renewal === 'unavailable') return this.#retryIn(jittered(this.#attempt, this.#world.random), '', false);
    }
    return this.#retryIn(verdict.delay, verdict.why, verdict.drop);
  }

  /** @param {number} delay @param {string} reason @param {boolean} drop */
  #retryIn(delay, reason, drop) {
    const at = this.#world.now() + delay;
    const why = reason || (!this.#everWelcomed && this.#attempt > 3 ? NO_WAY : '');
    this.#say({ state: this.#everWelcomed || reason ? 'reconnecting' : 'connecting', at, why }, drop);
    this.#timer('retry', delay, () => void this.#connect());
  }

  #refreshSoon() {
    const { now, random } = this.#world;
    const wait = Math.max(random() * 5_000, this.#refreshedAt + BETWEEN_REFRESHES - now());
    this.#timer('refresh', wait, async () => {
      this.#refreshedAt = now();
      const renewal = await this.#world.renew();
      if (renewal === 'refused') return this.end(ENDED);
      const ticket = renewal === 'ok' ? await this.#world.ticket() : null;
      if (ticket) this.send({ type: 'refresh', ticket });
      else if (this.#welcomed) this.#timer('refresh', BETWEEN_REFRESHES / 2, () => this.#refreshSoon());
      return undefined;
    });
  }

  #ping() {
    if (this.#timers.has('pong')) return;
    if (this.send({ type: 'ping' })) this.#timer('pong', PONG, () => this.#drop());
  }

  /** Gives the socket up without waiting for its closing handshake: a dead network never ends it. */
  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    socket.close();
    void this.#closed(1006, '');
  }

  #forget() {
    this.#socket = null;
    this.#welcomed = false;
    for (const name of [...this.#timers.keys()]) this.#stop(name);
  }

  /** @param {Link} link @param {boolean} [drop] */
  #say(link, drop = false) {
    this.#world.onLink(link, drop);
  }

  /** @param {string} name @param {number} ms @param {() => void} run */
  #timer(name, ms, run) {
    this.#stop(name);
    this.#timers.set(name, this.#world.after(() => {
      this.#timers.delete(name);
      run();
    }, ms));
  }

  /** @param {string} name */
  #stop(name) {
    if (!this.#timers.has(name)) return;
    this.#world.cancel(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
