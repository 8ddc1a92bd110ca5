/** numbered gives a name that tells a second file apart: "a.pdf" becomes "a (2).pdf". */
export function numbered(name: string): string {
  const dot = name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  const counted = /^(.*) \((\d+)\)$/.exec(stem);
  if (counted === null) return `${stem} (2)${ending}`;
  return `${counted[1]} (${Number(counted[2]) + 1})${ending}`;
}
