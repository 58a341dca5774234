/** What calls for attention outside the page: a short sound and a number on the tab's icon. */

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
