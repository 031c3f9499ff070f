/**
 * The room: puts store, socket and views together. Started by the shell; nothing imports it.
 *
 * One way through: frame or act -> `dispatch` -> reducer -> one drawing per animation frame. What a
 * state asks for (subscriptions) is read from it after each dispatch.
 *
 * @typedef {import('./types.js').State} State
 * @typedef {import('./types.js').Frame} Frame
 */
import * as api from './api.js';
import { Announcer } from './announce.js';
import { Awaiting } from './awaiting.js';
import { Composer } from './composer.js';
import { Connection } from './socket.js';
import { EntryActs } from './entry_acts.js';
import { LogView } from './render_log.js';
import { Outbox } from './outbox.js';
import { OverdueWatch } from './overdue_watch.js';
import { Revision } from './revise.js';
import { Staffing } from './staffing.js';
import { closePanels, wirePanels } from './panels.js';
import { drawBanners, drawEmpty, drawHeads, drawLink } from './render_state.js';
import { drawOrders } from './render_orders.js';
import { drawOverdue } from './render_overdue.js';
import { drawRail } from './render_rail.js';
import { Filter } from './filter.js';
import { History } from './past.js';
import { addressOf, chosen } from './choice.js';
import { initialState, reduce, wanted } from './store.js';
import { icon } from './icons.js';
import { part, say } from './dom.js';
import { themeSwitch } from './theme.js';
import { tick } from './render_entry.js';
import { wireDialogs } from './dialogs.js';
import { wireKeyboard } from './keyboard.js';
import { watchForSleep } from './sleep.js';
import { wireAccount } from './account.js';

const SUBSCRIBE = 'subscribe:';

let state = initialState();
let drawing = false;
/** The agent is logging out: the socket may close before the answer that clears the cookies. */
let leaving = false;

const announcer = new Announcer();
const connection = new Connection({
  open: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/missions?missions=none`),
  check: api.check,
  renew: api.renew,
  ticket: api.ticket,
  onFrame: received,
  onLink: linked,
  now: () => Date.now(),
  after: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
});
const outbox = new Outbox((frame) => connection.send(frame));
const past = new History(dispatch, () => state);
const awaiting = new Awaiting(dispatch, () => state);
const revision = new Revision((sentence) => announcer.tell(sentence), schedule);
const log = new LogView(() => void past.older(), () => requestAnimationFrame(banners), (id) => revision.panelFor(id));
const overdue = new OverdueWatch(dispatch, () => state, (sentence, missions) => announcer.warn(sentence, missions));
const composer = new Composer(async (mission, fields) => {
  const answer = await outbox.ask({ type: 'publish', id: String(fields.client_id), mission, ...fields });
  if (answer.frame) log.toEnd();
  schedule();
  return answer;
});
const acts = new EntryActs({
  dispatch, outbox, state: () => state, redraw: schedule, tell: (sentence) => announcer.tell(sentence), shown: log.receipts,
});
const staffing = new Staffing((mission) => dispatch({ type: 'mission', mission }));
const filter = new Filter(() => {
  log.toEnd();
  schedule();
});

/** @param {Frame} frame */
function dispatch(frame) {
  state = reduce(state, frame);
  if (state.link.state === 'live') {
    for (const want of wanted(state)) {
      if (!connection.send({ type: 'subscribe', id: SUBSCRIBE + want.mission, ...want })) break;
      state = reduce(state, { type: '@asked', mission: want.mission });
    }
  }
  schedule();
}

/** @param {Frame} frame */
function received(frame) {
  const answered = outbox.received(frame);
  if (frame.type === 'error') {
    if (!answered) refused(frame);
    return;
  }
  if (frame.type === 'update') hear(frame);
  if (frame.type === 'receipt') log.receive(frame.update, { agent: frame.agent, at: frame.at });
  if (frame.type === 'access_changed') forget();
  if (frame.type === 'unsubscribed' || frame.type === 'sent') past.forget();
  if (frame.type === 'unsubscribed' || (frame.type === 'subscribed' && !frame.recovered)) hushReplaced(frame);
  dispatch(seenHere(frame));
  if (frame.type === 'overdue') void overdue.hear(frame);
  if (frame.type === 'welcome') choose();
  if (frame.type === 'subscribed' || frame.type === 'sent') void past.own(frame.mission);
  if (frame.type === 'subscribed') awaiting.load(frame.mission);
  if (frame.type === 'subscribed' && frame.mission === state.selected) void acts.refreshReceipts();
}

/** What was asked or is not spoken yet belongs to other rights. */
function forget() {
  log.receipts.clear();
  announcer.hush();
  overdue.hush();
  past.forget();
  awaiting.forget();
}

/** Words that are no longer in the log are not spoken. @param {Frame} frame */
function hushReplaced({ mission, updates = [] }) {
  const page = /** @type {import('./types.js').Entry[]} */ (updates);
  announcer.hush(mission, new Set(page.map(({ update }) => update.id)));
  overdue.hush(mission);
}

/** What the reducer cannot know of this side: the time of a resumption, a page that nobody sees. @param {Frame} frame @returns {Frame} */
function seenHere(frame) {
  if (frame.type === 'subscribed' && frame.id !== undefined) return { ...frame, at: Date.now() };
  return frame.type === 'update' && document.hidden ? { ...frame, unseen: true } : frame;
}

/** An error that answers no command of the outbox: a subscription, or nothing we asked. @param {Frame} frame */
function refused(frame) {
  const id = String(frame.id ?? '');
  if (!id.startsWith(SUBSCRIBE)) return;
  const mission = id.slice(SUBSCRIBE.length);
  if (frame.code === 'not_found') dispatch({ type: '@gone', mission });
  else setTimeout(() => dispatch({ type: '@again', mission }), 2_000 + Math.random() * 3_000);
}

/** @param {import('./types.js').Link} link @param {boolean} drop */
function linked(link, drop) {
  if (link.state === 'signed_out') return signedOut(link.why ?? '');
  if (state.link.state === 'live' && link.state !== 'live') {
    past.forget();
    dispatch({ type: '@lost' });
  }
  dispatch({ type: '@link', link });
  if (link.state === 'barred') {
    forget();
    void lead(link.why ?? '');
  }
  if (drop) outbox.drop({ code: 'invalid', message: 'HQ could not read this message. Shorten or change it.' });
  if (link.state === 'live') outbox.resend();
}

/** @param {string} why empty: nobody was logged in */
function signedOut(why) {
  outbox.drop({ code: 'token_invalid', message: 'You are signed out.' });
  forget();
  composer.wipe();
  dispatch({ type: '@signed_out', why });
  if (!why || leaving) {
    if (!leaving) location.replace('/login');
    return;
  }
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  say(part('signed-out-why', HTMLElement), why);
  const dialog = part('signed-out', HTMLDialogElement);
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  dialog.showModal();
}

/** @param {Frame} frame */
function hear(frame) {
  const mission = state.missions[frame.mission];
  const own = frame.update.author.codename === state.agent?.codename;
  const urgent = frame.update.kind === 'alert' || frame.update.kind === 'order';
  if (mission && !own && (urgent || frame.mission === state.selected)) announcer.hear({ update: frame.update, mission, here: frame.mission === state.selected });
}

/** The mission of the address, else a first one; the address says which, so that Back leads here. */
function choose() {
  const mission = chosen(state, location.hash);
  if (mission && location.hash !== addressOf(mission)) window.history.replaceState(null, '', addressOf(mission));
  if (mission === state.selected) return;
  dispatch({ type: '@select', mission });
  if (mission) void past.own(mission);
}

function schedule() {
  if (drawing) return;
  drawing = true;
  if (document.hidden) setTimeout(draw, 0);
  else requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  drawLink(state, Date.now());
  drawHeads(state);
  drawRail(state);
  revision.follow(state);
  filter.follow(state);
  log.filter = filter.words;
  const rows = log.draw(state, past.loading);
  drawEmpty(state, rows, filter.words, { create: () => staffing.create(), clear: () => filter.clear() });
  composer.draw(state);
  drawOrders(state, drawOverdue(state));
  staffing.draw(state);
  tick(Date.now());
  banners();
}

function banners() {
  drawBanners(state, log.onScreen());
}

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-ack], [data-receipts], [data-revise], [data-show]') : null;
  if (!(button instanceof HTMLElement)) return;
  const { ack, receipts, revise, show } = button.dataset;
  if (ack) void acts.acknowledge(ack);
  if (receipts) void acts.showReceipts(receipts);
  if (revise) revision.toggle(revise);
  if (show) showEntry(show, button.dataset.mission ?? '');
});

/** @param {string} update @param {string} mission */
function showEntry(update, mission) {
  closePanels();
  filter.clear();
  log.show(update);
  location.hash = addressOf(mission);
  choose();
  void past.reach(update);
  schedule();
}

wireKeyboard({
  step: (by) => log.step(by),
  filter: () => filter.field.focus(),
  sheet: () => part('keys-dialog', HTMLDialogElement).showModal(),
  escape: () => {
    if (closePanels()) return;
    if (filter.words) filter.clear();
    else if (document.activeElement === filter.field) log.log.focus();
  },
});
wirePanels(schedule);
wireDialogs();
const lead = wireAccount(() => connection.enrolled());
themeSwitch(part('theme', HTMLButtonElement));
part('new-mission', HTMLButtonElement).addEventListener('click', () => staffing.create());
part('keys', HTMLButtonElement).addEventListener('click', () => part('keys-dialog', HTMLDialogElement).showModal());
part('retry', HTMLButtonElement).addEventListener('click', () => connection.retryNow());
part('log-out', HTMLButtonElement).addEventListener('click', async () => {
  leaving = true;
  try {
    await api.logOut();
  } catch (error) {
    leaving = false;
    if (!(error instanceof api.Refused)) throw error;
    return dispatch({ type: '@notice', about: 'log-out', notice: `You are still logged in: ${error.message}` });
  }
  composer.wipe();
  connection.end('');
  return location.replace('/login');
});
part('notice-dismiss', HTMLButtonElement).append(icon('close'));
part('notice-dismiss', HTMLButtonElement).addEventListener('click', () => {
  dispatch({ type: '@over', about: state.about });
  log.log.focus();
});
window.addEventListener('hashchange', () => {
  closePanels();
  choose();
});
window.addEventListener('beforeunload', (event) => {
  if (composer.holdsDraft()) event.preventDefault();
});
watchForSleep(() => connection.probe());
document.addEventListener('visibilitychange', () => {
  if (document.hidden && drawing) draw(); // the frame it waits for would come when the tab is looked at again
  if (!document.hidden && state.selected && state.rooms[state.selected]) dispatch({ type: '@seen', mission: state.selected });
});
setInterval(() => {
  tick(Date.now());
  overdue.tick(Date.now());
  drawLink(state, Date.now());
}, 1_000);
schedule();
connection.start();
