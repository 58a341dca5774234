/** Why a connection was closed: the codes of the protocol, and what a client does about each. */
export const SIGNED_OUT = 4001;
export const TOO_SLOW = 4008;
export const OVERLOADED = 4009;
export const RESTARTING = 1012;
export const FRAME_TOO_BIG = 1009;

/** @param {number} code */
export function mayReturn(code) {
  return code !== SIGNED_OUT;
}

/**
 * How many tries a first wait counts for: a server that restarts or is overloaded must not be met by everyone at once.
 *
 * @param {number} code
 */
export function patience(code) {
  return { [RESTARTING]: 1, [TOO_SLOW]: 1, [OVERLOADED]: 3 }[code] ?? 0;
}
