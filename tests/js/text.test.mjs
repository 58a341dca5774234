import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from '../../assets/js/protocol/errors.js';
import { dayHeading, relative, sameGroup } from '../../assets/js/text/dates.js';
import { fileSize, fileUrl, ownLink, parseFragment, permalink } from '../../assets/js/text/links.js';
import { colourIndex, complete, initials, mentionAt, rankNames, rankPeople } from '../../assets/js/text/names.js';
import { bytes, charactersLeft, emojiOnly, partsOf, plainText } from '../../assets/js/text/parts.js';
import { explain, t } from '../../assets/js/text/words/index.js';
import { message } from './message_factory.mjs';

test('a text without markup becomes paragraphs with line breaks', () => {
  assert.deepEqual(partsOf({ text: 'a\nb\n\nc' }), [{ t: 'p', c: ['a', { t: 'br' }, 'b'] }, { t: 'p', c: ['c'] }]);
});

test('the plain text of parts has every word and no form', () => {
  /** @type {import('../../assets/js/protocol/types.js').Block[]} */
  const parts = [
    { t: 'p', c: ['see ', { t: 'b', c: ['this ', { t: 'i', c: ['now'] }] }, ' ', { t: 'mention', user: 3, text: '@ada' }, { t: 'br' }, { t: 'code', text: 'x' }] },
    { t: 'ol', c: [[{ t: 'p', c: ['one'] }], [{ t: 'p', c: [{ t: 'a', href: 'http://x', c: ['two'] }] }]] },
    { t: 'quote', c: [{ t: 'pre', text: 'code' }] },
  ];
  assert.equal(plainText({ text: 'raw', parts }), 'see this now @ada\nx\none\ntwo\ncode');
});

test('characters are counted as a person does, whatever their bytes', () => {
  assert.equal(charactersLeft('x'.repeat(120), 100), -20);
  assert.equal(charactersLeft('x'.repeat(90), 100), 10);
  assert.equal(charactersLeft('太'.repeat(40), 100), -7);
  assert.equal(charactersLeft('太'.repeat(30), 100), 3);
  assert.equal(charactersLeft(`${'x'.repeat(98)}👨‍👩‍👧‍👦`, 100), -1);
  assert.equal(charactersLeft('x'.repeat(100), 100), 0);
});

test('one to three emoji alone are told from text', () => {
  for (const text of ['👍', '👍🏽 🎉', '🇩🇪', '👨‍👩‍👧‍👦', '❤️', '1️⃣', ' 😀😀😀 ']) assert.ok(emojiOnly({ text }), text);
  for (const text of ['', '1', 'a👍', '👍👍👍👍', '©', '123', '   ', '#']) assert.ok(!emojiOnly({ text }), text);
  assert.ok(!emojiOnly({ text: '👍', files: [{}] }));
});

test('a length is what the server counts', () => {
  assert.equal(bytes('é'), 2);
});

test('initials are one or two letters of a name', () => {
  assert.deepEqual(['Ada Lindqvist', 'ben', 'josé maria de la cruz', '', '👍 x', 'a.b'].map(initials), ['AL', 'B', 'JC', '?', '👍X', 'AB']);
});

test('colours lie between 0 and 11, and twelve neighbours have twelve', () => {
  assert.equal(new Set(Array.from({ length: 12 }, (_, i) => colourIndex(i + 40))).size, 12);
});

test('names are ranked by how well they fit', () => {
  const names = ['xen', 'Open', 'Ben', 'ben-ops', 'Big Ben', 'Élan'];
  assert.deepEqual(rankNames(names, 'ben', (name) => name), ['Ben', 'ben-ops', 'Big Ben']);
  assert.deepEqual(rankNames(names, 'ela', (name) => name), ['Élan']);
  const people = [{ id: 1, name: 'ada', full_name: 'Augusta King' }, { id: 2, name: 'king' }];
  assert.deepEqual(rankPeople(people, 'king').map(({ id }) => id), [2, 1]);
});

test('an @word before the caret is completed with a space', () => {
  assert.deepEqual(mentionAt('hi @ad', 6), { start: 3, typed: 'ad' });
  assert.equal(mentionAt('mail a@b', 8), null);
  assert.equal(mentionAt('@ada and', 8), null);
  assert.deepEqual(complete('hi @ad!', 6, 'ada'), { text: 'hi @ada !', caret: 8 });
  assert.deepEqual(complete('@a there', 2, 'ada'), { text: '@ada there', caret: 4 });
});

test('a fragment gives secrets and places, and nothing wrong', () => {
  assert.deepEqual(parseFragment('#room=7&seq=42'), { invite: undefined, password: undefined, setup: undefined, move: undefined, kept: undefined, room: 7, seq: 42 });
  assert.deepEqual([parseFragment('#move=t-1&kept=%7B%22a%22%3A%22%26%22%7D&room=7').kept, parseFragment('#move=t').kept], ['{"a":"&"}', undefined]);
  assert.equal(parseFragment('#invite=a_b-C').invite, 'a_b-C');
  assert.equal(parseFragment('#room=x&seq=-1').room, undefined);
});

test('links to any of the server’s own addresses lead to a place', () => {
  const addresses = ['http://192.168.1.5:8642', 'http://chatbox.local:8642'];
  const link = permalink(addresses[0] ?? '', 7, 42);
  assert.equal(link, 'http://192.168.1.5:8642/#room=7&seq=42');
  assert.deepEqual(ownLink(link, addresses), { room: 7, seq: 42 });
  assert.deepEqual(ownLink(link.replace('http:', 'https:'), addresses), { room: 7, seq: 42 });
  assert.equal(ownLink(link.replace('http:', 'ftp:'), addresses), null);
  assert.equal(ownLink('http://evil/#room=7&seq=42', addresses), null);
  assert.equal(ownLink('javascript:alert(1)', addresses), null);
  assert.equal(ownLink('not a link', addresses), null);
});

test('a file has an address that holds any name', () => {
  assert.equal(fileUrl({ id: 'abc', name: 'a/b #1?.png', size: 1, type: 'image/png' }), '/files/abc/a%2Fb%20%231%3F.png');
});

test('days are named as people say them', () => {
  const now = new Date(2026, 2, 3, 9, 0).getTime();
  assert.equal(dayHeading(now - 1000, now), 'Today');
  assert.equal(dayHeading(new Date(2026, 2, 2, 23, 59).getTime(), now), 'Yesterday');
  assert.equal(dayHeading(new Date(2026, 1, 24).getTime(), now), 'Tuesday 24 February');
  assert.match(dayHeading(new Date(2025, 1, 24).getTime(), now), /^Monday 24 February 2025$/);
  assert.equal(relative(now - 5 * 60_000, now), '5 minutes ago');
  assert.equal(relative(now - 1000, now), 'just now');
});

test('one author within five minutes is one group', () => {
  const at = new Date(2026, 2, 3, 9, 0).getTime();
  const first = message({ seq: 1, at });
  assert.ok(sameGroup(first, message({ seq: 2, at: at + 60_000 })));
  assert.ok(!sameGroup(first, message({ seq: 2, at: at + 6 * 60_000 })));
  assert.ok(!sameGroup(first, message({ seq: 2, at, user: 3 })));
});

test('words take parameters and know one from many', () => {
  assert.equal(t('room.members', { n: 1 }), '1 person');
  assert.equal(t('room.members', { n: 12 }), '12 people');
  assert.equal(t('signin.title', { server: '{x} $& Co' }), 'Sign in to {x} $& Co');
});

test('an error is worded by its code, or by the server where that says more', () => {
  assert.equal(explain(new CommandError('offline')), t('error.offline'));
  assert.equal(explain(new CommandError('conflict', 'That name is taken.')), 'That name is taken.');
  assert.equal(explain(new CommandError('rate_limited', 'x', { retryIn: 3.2 })), 'That was too fast. Try again in 4 seconds.');
  assert.equal(explain(new CommandError('brand_new')), t('error.unknown'));
  assert.equal(explain(null), t('error.unknown'));
});

test('sizes are short', () => {
  assert.deepEqual([0, 812, 1434, 25 * 2 ** 20, 26_000_000].map(fileSize), ['0 B', '812 B', '1.4 KB', '25 MB', '25 MB']);
});
