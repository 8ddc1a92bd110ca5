// Numbers, money and times in a person's own regional form. Pure: the locale and
// the current time come in.

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** bytes writes a size in the largest fitting unit, 1024 to a step: "1.5 GB". */
export function bytes(n: number, locale: string): string {
  let step = 0;
  let value = Math.max(0, n);
  while (step < units.length - 1 && value >= 1023.95) {
    value /= 1024;
    step++;
  }
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[step],
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: step === 0 || value >= 100 ? 0 : 1
  }).format(value);
}

/** money writes an amount given in the currency's smallest unit: 1200 eur is "€12.00". */
export const money = (amount: number, currency: string, locale: string) => inCurrency(amount, currency, locale, 'auto');

/** price writes an amount for a price tag: whole sums without zeros, "€12". */
export const price = (amount: number, currency: string, locale: string) =>
  inCurrency(amount, currency, locale, 'stripIfInteger');

type Zeros = Intl.NumberFormatOptions['trailingZeroDisplay'];

function inCurrency(amount: number, currency: string, locale: string, trailingZeroDisplay: Zeros): string {
  // Intl throws at what is not three letters; a page must not fall over that.
  if (!/^[a-z]{3}$/i.test(currency)) return `${amount / 100} ${currency}`.trim();
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, trailingZeroDisplay });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** day writes a date: "5 March 2030". */
export const day = (iso: string | Date, locale: string) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(new Date(iso));

/** shortDay writes a date for a table: "5 Mar 2030". */
export const shortDay = (iso: string | Date, locale: string) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(iso));

const spans: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60]
];

/** ago writes how long ago a time was: "3 hours ago"; less than a minute is justNow. */
export function ago(then: string | Date, now: Date, locale: string, justNow: string): string {
  const seconds = (new Date(then).getTime() - now.getTime()) / 1000;
  for (const [unit, length] of spans) {
    if (Math.abs(seconds) >= length) {
      return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.trunc(seconds / length), unit);
    }
  }
  return justNow;
}

/** duration writes a time span roughly: "2 min", "1 hr"; under 5 s it is soon. */
export function duration(seconds: number, locale: string, soon: string): string {
  if (seconds < 5) return soon;
  const [value, unit] =
    seconds < 60 ? [Math.ceil(seconds / 5) * 5, 'second'] : seconds < 3600 ? [Math.ceil(seconds / 60), 'minute'] : [Math.round(seconds / 360) / 10, 'hour'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit: unit as string, unitDisplay: 'short' }).format(value as number);
}
