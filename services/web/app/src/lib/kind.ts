export type Kind = 'image' | 'video' | 'audio' | 'text' | 'archive' | 'other';

/** kind sorts a media type roughly, for the picture beside a file's name. */
export function kind(type: string): Kind {
  const [main, sub = ''] = (type.split(';')[0] ?? '').trim().toLowerCase().split('/');
  if (main === 'image' || main === 'video' || main === 'audio' || main === 'text') return main;
  if (/zip|tar|compressed|7z|rar/.test(sub)) return 'archive';
  return /pdf|word|document|json|xml|rtf/.test(sub) ? 'text' : 'other';
}
