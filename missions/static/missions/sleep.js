/** Notices that the machine slept, the network changed or the tab came back. */

const BEAT = 5_000;

/** @param {() => void} onWake the socket may be dead without knowing it */
export function watchForSleep(onWake) {
  let last = Date.now();
  setInterval(() => {
    const gap = Date.now() - last;
    last = Date.now();
    if (gap > 4 * BEAT && !document.hidden) onWake();
  }, BEAT);
  window.addEventListener('online', onWake);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) onWake();
  });
}
