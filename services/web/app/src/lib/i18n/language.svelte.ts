import { codes, choose, isCode, type Code } from './codes';
import { en, type Dictionary } from './en';

export { codes, isCode, split, type Code } from './codes';
export type { Dictionary } from './en';

const stored = 'codex.language';

// English is in the first bundle; another language is one small file, fetched
// only by who speaks it.
const dictionaries: Record<Code, () => Dictionary | Promise<Dictionary>> = {
  en: () => en,
  de: async () => (await import('./de')).de
};

class Language {
  /** code is the language shown now. */
  code = $state<Code>(codes[0]);
  /** t holds every text in that language. */
  t = $state.raw<Dictionary>(en);

  /** locale is the person's own regional form of the language, for dates and money. */
  get locale(): string {
    const own = typeof navigator === 'undefined' ? [] : navigator.languages;
    return own.find((tag) => tag.toLowerCase().startsWith(this.code)) ?? this.code;
  }

  /** show switches to a language, for this page only. */
  async show(code: Code): Promise<void> {
    this.t = await dictionaries[code]();
    this.code = code;
    if (typeof document !== 'undefined') document.documentElement.lang = code;
  }

  /** keep switches to a language and remembers it in this browser. */
  async keep(code: Code): Promise<void> {
    await this.show(code);
    try {
      localStorage.setItem(stored, code);
    } catch {
      // Storage may be switched off; then the choice lasts as long as the page.
    }
  }

  /** preferred is the remembered choice, else the browser's first known language. */
  preferred(): Code {
    try {
      const kept = localStorage.getItem(stored);
      if (isCode(kept)) return kept;
    } catch {
      // As above.
    }
    return choose(navigator.languages);
  }
}

export const i18n = new Language();
