import { admin } from './en/admin.js';
import { common } from './en/common.js';
import { people } from './en/people.js';
import { translator } from './translate.js';

const catalogue = { ...common, ...people, ...admin };

/** The words of the administration page, which most people never see. */
export const t = translator(catalogue);

/** @typedef {keyof typeof catalogue} AdminKey */
