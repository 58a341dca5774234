import { backups } from './en/backups.js';
import { translator } from './translate.js';

/** The words about backups, which only admins and new computers need. */
export const t = translator(backups);
