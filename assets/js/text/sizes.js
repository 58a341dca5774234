const UNITS = ['B', 'kB', 'MB', 'GB'];

/**
 * @param {number} bytes
 * @returns {string} as people read it: "812 B", "1.4 MB"
 */
export function fileSize(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}
