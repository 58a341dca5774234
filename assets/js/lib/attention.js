/**
 * What calls for attention outside the page: a short sound, a number on the tab's icon, and notifications of the system. The
 * service worker's registration shows them, as phones let no page do it; where there is no worker, the page itself does. Each
 * carries, as its `data`, the fragment of the address that it leads to.
 */

/** @type {AudioContext | null} */
let audio = null;

/** Two soft notes. Silent where the browser lets no page sound before it was touched. */
export function chime() {
  if (typeof AudioContext === "undefined") return;
  audio ??= new AudioContext();
  audio.resume().catch(() => {});
  if (audio.state === "closed") return;
  const now = audio.currentTime;
  note(audio, 784, now, 0.09);
  note(audio, 1175, now + 0.1, 0.07);
}

/** @param {AudioContext} context @param {number} hertz @param {number} at @param {number} loudness */
function note(context, hertz, at, loudness) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.type = "sine";
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(loudness, at + 0.012);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.42);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.45);
}

/** @type {string | null} */
let plainIcon = null;
let shownCount = 0;

/**
 * The tab's icon with a number; 0 is the plain icon, -1 a dot.
 * @param {number} count
 */
export function faviconBadge(count) {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel~=icon]"));
  if (!link) return;
  plainIcon ??= link.href;
  const plain = plainIcon;
  shownCount = count;
  if (count === 0) {
    link.href = plain;
    return;
  }
  const image = new Image();
  image.onload = () => {
    const drawn = shownCount === count && drawBadge(image, count);
    if (drawn) link.href = drawn;
  };
  image.src = plain;
}

/** @param {HTMLImageElement} image @param {number} count @returns {string | null} */
function drawBadge(image, count) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.drawImage(image, 0, 0, 64, 64);
  const text = count < 0 ? "" : count > 99 ? "99" : String(count);
  const radius = text ? 20 : 12;
  const x = 64 - radius - 1;
  pen.beginPath();
  pen.arc(x, 64 - radius - 1, radius, 0, 2 * Math.PI);
  pen.fillStyle = "#d02f33";
  pen.fill();
  pen.lineWidth = 3;
  pen.strokeStyle = "#ffffff";
  pen.stroke();
  pen.fillStyle = "#ffffff";
  pen.font = `bold ${text.length > 1 ? 25 : 31}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, x, 64 - radius + 1);
  return canvas.toDataURL("image/png");
}

// -- notifications

/** It lies at the top, since a worker is there for what lies below it. */
const WORKER = "/sw.js";
const WAIT = 200;

/** @typedef {{createPolicy: (name: string, rules: {createScriptURL: () => string}) => {createScriptURL: (url: string) => string}}} TrustedTypes */

/** Trusted Types, where the browser has them: the only address that a text can become a script by, whatever the text. */
const policy = /** @type {{trustedTypes?: TrustedTypes}} */ (globalThis).trustedTypes?.createPolicy("worker", {
  createScriptURL: () => WORKER,
});

/** @type {Promise<ServiceWorkerRegistration | null> | null} */
let registering = null;
/** What this page shows without a worker. @type {Set<Notification>} */
const own = new Set();
let timer = 0;

/** Whether this browser lets a page of this connection notify at all. */
export function hasNotifications() {
  return typeof Notification !== "undefined" && isSecureContext;
}

function isAllowed() {
  return hasNotifications() && Notification.permission === "granted";
}

/** Has the worker ready for the first notification. */
export async function prepareNotifications() {
  if (!isAllowed()) return null;
  registering ??= register();
  const registration = await registering;
  if (!registration) registering = null; // it may have been the network
  return registration;
}

/** @returns {Promise<ServiceWorkerRegistration | null>} null where the browser has no workers, or wants none of this server */
async function register() {
  if (!("serviceWorker" in navigator)) return null;
  try {
    await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER);
    return await navigator.serviceWorker.ready;
  } catch {
    return null;
  }
}

/**
 * Shows a notification without a sound, in place of the one with the same tag.
 * @param {string} title
 * @param {{body: string, tag: string, data: string}} options
 */
export async function notify(title, { body, tag, data }) {
  const registration = await prepareNotifications();
  if (!isAllowed()) return;
  const options = { body, tag, data, silent: true };
  try {
    if (registration) await registration.showNotification(title, options);
    else showByPage(title, options);
  } catch {
    // Some phones have the constructor and refuse it; and a permission may be taken back at any time.
  }
}

/** @param {string} title @param {NotificationOptions} options */
function showByPage(title, options) {
  const shown = new Notification(title, options);
  own.add(shown);
  shown.onclose = () => own.delete(shown);
  shown.onclick = () => {
    window.focus();
    shown.close();
    location.hash = options.data;
  };
}

/** Goes where a notification leads that was clicked on: the worker tells. */
export function followNotifications() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => (location.hash = data));
}

/**
 * Closes notifications, whichever tab showed them, soon: what happens at once is looked at once.
 * @param {(fragment: string) => boolean} isOver
 */
export function closeNotifications(isOver) {
  if (timer || !isAllowed()) return;
  timer = setTimeout(async () => {
    timer = 0;
    for (const each of await shownNotifications()) if (isOver(each.data)) each.close();
  }, WAIT);
}

/** @returns {Promise<Notification[]>} */
async function shownNotifications() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration();
    return [...((await registration?.getNotifications()) ?? []), ...own];
  } catch {
    return [...own]; // a browser that lets no site keep anything
  }
}
