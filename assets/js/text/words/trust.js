import { trust } from './en/trust.js';
import { translator } from './translate.js';

/** The words of the page for a new device, which nobody needs elsewhere. */
export const t = translator(trust);

/** @typedef {keyof typeof trust} Key */
