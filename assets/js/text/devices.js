/** @typedef {'windows' | 'macos' | 'ios' | 'android' | 'linux' | 'firefox' | 'fleet'} Device */

/**
 * What a device most likely is. An iPad says that it is a Mac, but no Mac has a touch screen.
 *
 * @param {{userAgent: string, maxTouchPoints: number}} navigator
 * @returns {Device}
 */
export function deviceOf({ userAgent, maxTouchPoints }) {
  if (/iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)) return 'ios';
  if (/Android/.test(userAgent)) return 'android';
  if (/Windows/.test(userAgent)) return 'windows';
  if (/Macintosh/.test(userAgent)) return 'macos';
  return /Firefox/.test(userAgent) ? 'firefox' : 'linux';
}
