/**
 * The service worker: phones show notifications for nothing else. It fetches nothing, keeps nothing, and only leads whoever
 * clicks on a notification to what it told of. Browsers ask for it again whenever a page is opened.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

// Pages need no certain version of it, so that none has to be closed first.
worker.addEventListener("install", () => void worker.skipWaiting());

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data));
});

/**
 * In the chat's window that was looked at last; pages of other kinds are left alone.
 * @param {string} fragment of the chat's address: a room and a message
 */
async function show(fragment) {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find(({ url }) => new URL(url).pathname === "/");
  if (!open) return worker.clients.openWindow(`/${fragment}`);
  open.postMessage(fragment);
  return open.focus();
}
