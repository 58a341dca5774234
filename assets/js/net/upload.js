import { CommandError } from '../protocol/errors.js';
import { refusal } from './api.js';

/** @typedef {import('../protocol/types.js').FileInfo} FileInfo */

/**
 * Sends a file to the server. XMLHttpRequest, because `fetch` tells no progress of what it sends.
 *
 * @param {Blob} file
 * @param {string} name
 * @param {object} [options]
 * @param {string} [options.base]
 * @param {(fraction: number) => void} [options.onprogress] from 0 to 1
 * @param {() => XMLHttpRequest} [options.factory]
 * @returns {{promise: Promise<FileInfo>, abort: () => void}} rejects with a CommandError
 */
export function upload(file, name, { base = '', onprogress, factory = () => new XMLHttpRequest() } = {}) {
  const request = factory();
  request.open('POST', `${base}/files?name=${encodeURIComponent(name)}`);
  request.setRequestHeader('Content-Type', 'application/octet-stream');
  request.responseType = 'json';
  const promise = new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status === 200 && request.response?.id) resolve(request.response);
      else reject(refusal(request.status, request.response));
    };
    request.onerror = () => reject(new CommandError('offline'));
    request.onabort = () => reject(new CommandError('aborted'));
  });
  request.upload.onprogress = ({ loaded, total }) => onprogress?.(total ? Math.min(1, loaded / total) : 0);
  request.send(file);
  return { promise, abort: () => request.abort() };
}
