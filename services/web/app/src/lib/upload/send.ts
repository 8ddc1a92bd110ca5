import { onUnauthorized, uploadAddress } from '$lib/api';
import { Refusal, fromAnswer } from '$lib/refusal';
import type { StoredFile } from '$lib/types';

/**
 * send streams one file to storage and tells how many bytes have gone. It uses
 * XMLHttpRequest because fetch cannot report the progress of a request body. It
 * throws a Refusal; an abort by the signal is one with the code ABORTED.
 */
export function send(
  file: Blob,
  name: string,
  onProgress: (sent: number) => void,
  signal: AbortSignal
): Promise<StoredFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', uploadAddress(name));
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve(request.response as StoredFile);
      if (request.status === 401) onUnauthorized.forEach((tell) => tell());
      const headers = { get: (header: string) => request.getResponseHeader(header) };
      reject(fromAnswer(request.status, headers, request.response));
    };
    request.onerror = () => reject(Refusal.offline());
    request.onabort = () => reject(new Refusal({ status: 0, code: 'ABORTED' }));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}
