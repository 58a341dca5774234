/** Pictures that the browser makes by itself. */

const SVG = "http://www.w3.org/2000/svg";
/** Modules of light around a code, without which readers do not find it. */
const QUIET = 4;

/**
 * A QR code as one path, sharp at every size and on paper. Dark on white in every theme, or cameras fail.
 * @param {string[]} rows of ones and zeros
 * @param {string} label
 * @returns {SVGSVGElement}
 */
export function qrCode(rows, label) {
  const size = rows.length + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  const runs = rows.flatMap((row, y) =>
    [...row.matchAll(/1+/g)].map(({ index, 0: run }) => `M${index + QUIET} ${y + QUIET}h${run.length}v1h-${run.length}z`),
  );
  path.setAttribute("d", runs.join(""));
  svg.append(path);
  return svg;
}

/**
 * The middle square of a picture, as a PNG of this size.
 * @param {Blob} file
 * @param {number} size in px
 * @returns {Promise<string | null>} in Base64; null where the browser cannot read it
 */
export async function squarePng(file, size) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap || !bitmap.width || !bitmap.height) return null;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const side = Math.min(bitmap.width, bitmap.height);
  const left = (bitmap.width - side) / 2;
  const top = (bitmap.height - side) / 2;
  canvas.getContext("2d")?.drawImage(bitmap, left, top, side, side, 0, 0, size, size);
  return canvas.toDataURL("image/png").split(",")[1] ?? null;
}
