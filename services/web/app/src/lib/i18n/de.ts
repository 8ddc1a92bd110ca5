import type { Dictionary } from './en';

const plural = (n: number, one: string, many: string) => (n === 1 ? one : many);

export const de: Dictionary = {
  language: { choose: 'Sprache' },

  common: {
    brand: 'Codex',
    skip: 'Zum Inhalt springen',
    loading: 'Wird geladen …',
    cancel: 'Abbrechen',
    close: 'Schließen',
    save: 'Speichern',
    tryAgain: 'Erneut versuchen',
    loadMore: 'Mehr anzeigen',
    email: 'E-Mail-Adresse',
    password: 'Passwort',
    name: 'Name',
    showPassword: 'Passwort anzeigen',
    hidePassword: 'Passwort verbergen',
    checkForm: 'Bitte prüfen Sie diese Felder:',
    retryIn: (seconds) => `Sie können es in ${seconds} ${plural(seconds, 'Sekunde', 'Sekunden')} erneut versuchen.`,
    retryNow: 'Sie können es jetzt erneut versuchen.',
    reference: (id) => `Kennung: ${id}`
  },

  landing: {
    title: 'Codex: Ihre Dateien, gut geordnet',
    heading: 'Ihre Dateien, gut geordnet.',
    lead: 'Bewahren Sie Dokumente, Bilder und Aufnahmen an einem privaten Ort auf. Beginnen Sie kostenlos und erweitern Sie bei Bedarf.',
    start: 'Konto anlegen',
    signIn: 'Anmelden',
    features: [
      { icon: 'shield', title: 'Nur für Sie', text: 'Jede Datei gehört zu einem Konto. Sie sehen jedes angemeldete Gerät und melden es sofort ab.' },
      { icon: 'upload', title: 'Auch große Dateien', text: 'Laden Sie mehrere zugleich hoch, sehen Sie zu, wie jede ankommt, und arbeiten Sie derweil weiter.' },
      { icon: 'card', title: 'Einfache Tarife', text: 'Ein kostenloser Tarif für den Anfang. Sie wechseln oder kündigen selbst, ohne jemanden zu fragen.' }
    ],
    footer: 'Codex. Konten, Dateien und Abrechnung hinter einer sicheren Tür.'
  },

  signUp: {
    title: 'Konto anlegen',
    lead: 'Das dauert eine Minute und kostet nichts.',
    submit: 'Konto anlegen',
    submitting: 'Konto wird angelegt …',
    have: 'Sie haben schon ein Konto?',
    signIn: 'Anmelden'
  },

  signIn: {
    title: 'Willkommen zurück',
    lead: 'Melden Sie sich an, um zu Ihren Dateien zu kommen.',
    remember: 'Auf diesem Gerät angemeldet bleiben',
    forgot: 'Passwort vergessen?',
    submit: 'Anmelden',
    submitting: 'Anmeldung läuft …',
    none: 'Neu hier?',
    signUp: 'Konto anlegen',
    ended: 'Bitte melden Sie sich an, um fortzufahren.',
    again: 'Bitte melden Sie sich zu Ihrer Sicherheit erneut an, um fortzufahren.',
    wasReset: 'Ihr neues Passwort ist gesetzt. Melden Sie sich jetzt damit an.'
  },

  secondFactor: {
    title: 'Noch ein Schritt',
    lead: {
      totp: 'Geben Sie die sechs Ziffern ein, die Ihre Authenticator-App jetzt zeigt.',
      otp: 'Wir schicken sechs Ziffern an die Adresse Ihres Kontos. Sie gelten drei Minuten lang.',
      backup: 'Geben Sie einen der Ersatzcodes ein, die Sie aufbewahrt haben. Jeder gilt einmal.'
    },
    code: { totp: 'Code aus der App', otp: 'Code aus der Mail', backup: 'Ersatzcode' },
    send: 'Code schicken',
    resend: 'Neuen Code schicken',
    resendIn: (seconds) => `Neuer Code in ${seconds} s`,
    sent: 'Der Code ist unterwegs.',
    trust: 'Diesem Gerät vertrauen: in den nächsten Wochen kein Code',
    submit: 'Bestätigen',
    submitting: 'Code wird geprüft …',
    others: 'Keinen solchen Code zur Hand?',
    ways: { totp: 'Authenticator-App verwenden', otp: 'Code per Mail bekommen', backup: 'Ersatzcode verwenden' },
    signIn: 'Erneut anmelden'
  },

  verify: {
    title: 'Sehen Sie in Ihre Mails',
    sentTo: 'Wir haben einen Link geschickt an',
    text: 'Öffnen Sie ihn, um Ihre Adresse zu bestätigen. Der Link gilt eine Stunde. Kommt nichts an, sehen Sie im Spam-Ordner nach oder senden Sie die Mail erneut.',
    send: 'Mail senden',
    resend: 'Mail erneut senden',
    resendIn: (seconds) => `Erneut senden in ${seconds} s`,
    resent: 'Die Mail ist erneut unterwegs.',
    other: 'Andere Adresse verwenden',
    done: 'Ihre Adresse ist bestätigt',
    doneText: 'Alles ist bereit. Sie werden zu Ihrer Übersicht geleitet …',
    toDashboard: 'Zur Übersicht',
    already: 'Ihre Adresse ist bestätigt',
    alreadyText: 'Sie können sich jetzt anmelden.',
    elsewhereText:
      'Damit sicher ist, dass das Passwort Ihres ist, melden Sie sich damit an und öffnen den Link unserer nächsten Mail in demselben Browser. Oder wählen Sie ein neues Passwort.',
    newPassword: 'Neues Passwort wählen',
    signIn: 'Anmelden',
    expired: 'Dieser Link ist abgelaufen',
    invalid: 'Dieser Link funktioniert nicht',
    failedText: 'Links gelten eine Stunde. Geben Sie Ihre Adresse ein, dann senden wir Ihnen einen neuen.',
    ask: 'Adresse bestätigen',
    askText: 'Geben Sie Ihre Adresse ein, dann senden wir Ihnen einen Link, der sie bestätigt.',
    unverified:
      'Bestätigen Sie Ihre Adresse, bevor Sie sich anmelden: Öffnen Sie den Link in diesem Browser.'
  },

  forgot: {
    title: 'Passwort zurücksetzen',
    lead: 'Nennen Sie uns Ihre Adresse. Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort wählen.',
    submit: 'Link senden',
    submitting: 'Wird gesendet …',
    sent: 'Sehen Sie in Ihre Mails',
    sentText: 'Wenn es ein Konto mit dieser Adresse gibt, ist ein Link unterwegs. Er gilt eine Stunde.',
    back: 'Zurück zur Anmeldung'
  },

  reset: {
    title: 'Neues Passwort wählen',
    lead: 'Danach sind alle Geräte abgemeldet und Sie melden sich mit dem neuen Passwort an.',
    label: 'Neues Passwort',
    submit: 'Passwort setzen',
    submitting: 'Passwort wird gesetzt …',
    broken: 'Dieser Link funktioniert nicht',
    brokenText: 'Er ist vielleicht abgelaufen oder schon benutzt. Fordern Sie einen neuen an.',
    again: 'Neuen Link anfordern'
  },

  password: {
    length: 'Mindestens 8 Zeichen',
    more: (missing) => `noch ${missing}`,
    enough: 'Lang genug',
    tooLong: 'Höchstens 128 Zeichen'
  },

  nav: {
    label: 'Hauptmenü',
    dashboard: 'Übersicht',
    files: 'Dateien',
    billing: 'Abrechnung',
    profile: 'Profil',
    signOut: 'Abmelden',
    uploading: (done, all) => `Hochladen: ${done} von ${all}`
  },

  dashboard: {
    title: 'Übersicht',
    hello: (name) => `Hallo, ${name}`,
    lead: 'So steht es um Ihr Konto.',
    plan: 'Tarif',
    storage: 'Speicher',
    change: 'Tarif wechseln',
    manage: 'Tarif verwalten',
    files: 'Neueste Dateien',
    allFiles: 'Alle Dateien',
    noFiles: 'Noch keine Dateien',
    noFilesText: 'Laden Sie die erste hoch: Sie erscheint dann hier.',
    upload: 'Dateien hochladen',
    payments: 'Neueste Zahlungen',
    allPayments: 'Alle Zahlungen',
    noPayments: 'Noch keine Zahlungen',
    noPaymentsText: 'Im kostenlosen Tarif gibt es nichts zu bezahlen.'
  },

  quota: {
    label: 'Belegter Speicher',
    used: (used, limit) => `${used} von ${limit} belegt`,
    files: (n) => `${n} ${plural(n, 'Datei', 'Dateien')}`,
    nearly: 'Fast voll',
    full: 'Voll: Löschen Sie Dateien oder wählen Sie einen größeren Tarif.'
  },

  plan: {
    renews: (date) => `Verlängert sich am ${date}`,
    ends: (date) => `Endet am ${date}`,
    free: 'Kostenlos',
    status: {
      active: 'Aktiv',
      trialing: 'Probezeit',
      past_due: 'Zahlung überfällig',
      canceled: 'Gekündigt',
      none: 'Aktiv'
    },
    overdue: 'Die letzte Zahlung ist nicht gelungen. Bitte prüfen Sie Ihr Zahlungsmittel.'
  },

  files: {
    title: 'Dateien',
    drop: 'Dateien hier ablegen',
    or: 'oder',
    pick: 'Dateien auswählen',
    dropping: 'Loslassen zum Hochladen',
    limit: (size) => `Bis zu ${size} je Datei`,
    list: 'Ihre Dateien',
    sort: 'Reihenfolge',
    newest: 'Neueste zuerst',
    byName: 'Nach Name',
    name: 'Name',
    size: 'Größe',
    added: 'Hinzugefügt',
    actions: 'Aktionen',
    download: (name) => `${name} herunterladen`,
    rename: (name) => `${name} umbenennen`,
    remove: (name) => `${name} löschen`,
    none: 'Noch keine Dateien',
    noneText: 'Legen Sie oben etwas ab. Es bleibt nur für Sie sichtbar.',
    renameTitle: 'Datei umbenennen',
    renameLabel: 'Neuer Name',
    renameSubmit: 'Umbenennen',
    renamed: (name) => `Umbenannt in ${name}`,
    removeTitle: 'Diese Datei löschen?',
    removeText: (name) => `„${name}“ wird endgültig gelöscht. Das lässt sich nicht rückgängig machen.`,
    removeSubmit: 'Löschen',
    removed: (name) => `${name} gelöscht`
  },

  upload: {
    title: 'Hochladen',
    waiting: 'Wartet',
    progress: (sent, size) => `${sent} von ${size}`,
    speed: (rate) => `${rate}/s`,
    left: (time) => `noch ${time}`,
    finishing: 'Wird abgeschlossen …',
    done: 'Fertig',
    cancelled: 'Abgebrochen',
    failed: 'Fehlgeschlagen',
    cancel: (name) => `${name} abbrechen`,
    retry: (name) => `${name} erneut versuchen`,
    keepBoth: 'Beide behalten',
    keepBothOf: (name) => `Beide Dateien namens ${name} behalten`,
    dismiss: (name) => `${name} aus dieser Liste entfernen`,
    clear: 'Liste leeren',
    tooLarge: (limit) => `Zu groß: Eine Datei darf bis zu ${limit} haben.`,
    noRoom: (free) => `Nicht genug Platz: ${free} sind frei.`,
    isFolder: 'Ordner lassen sich nicht hochladen. Wählen Sie die Dateien darin.',
    resumes: (seconds) => `Weiter in ${seconds} s`,
    step: (name, percent) => `${name}: ${percent} Prozent`,
    finished: (name) => `${name} hochgeladen`,
    broke: (name) => `${name} wurde nicht hochgeladen`,
  },

  billing: {
    title: 'Abrechnung',
    plans: 'Tarife',
    current: 'Ihr Tarif',
    included: (size) => `${size} Speicher`,
    per: { day: 'am Tag', week: 'in der Woche', month: 'im Monat', year: 'im Jahr' },
    choose: (name) => `${name} wählen`,
    opening: 'Zahlungsseite wird geöffnet …',
    manage: 'Abonnement verwalten',
    manageText: 'Zahlungsmittel ändern, Rechnungen ansehen oder kündigen.',
    payments: 'Zahlungen',
    noPayments: 'Noch keine Zahlungen',
    noPaymentsText: 'Wenn Sie einen bezahlten Tarif wählen, erscheinen die Zahlungen hier.',
    date: 'Datum',
    description: 'Wofür',
    amount: 'Betrag',
    status: 'Stand',
    invoice: 'Rechnung',
    invoiceOf: (date) => `Rechnung vom ${date}`,
    refunded: (amount) => `${amount} erstattet`,
    statuses: {
      succeeded: 'Bezahlt',
      pending: 'In Arbeit',
      processing: 'In Arbeit',
      failed: 'Fehlgeschlagen',
      action_required: 'Bestätigung nötig',
      canceled: 'Abgebrochen',
      refunded: 'Erstattet',
      partially_refunded: 'Teilweise erstattet',
      disputed: 'Strittig'
    },
    confirming: 'Ihre Zahlung wird bestätigt …',
    confirmingText: 'Das dauert ein paar Sekunden. Die Seite ändert sich von selbst.',
    confirmingLong: 'Es dauert länger als sonst. Sie müssen nicht warten: Ihr Tarif wechselt, sobald die Zahlung bestätigt ist.',
    confirmed: (plan) => `Vielen Dank! Sie haben jetzt ${plan}.`,
    cancelled: 'Die Zahlung wurde abgebrochen. Es wurde nichts berechnet und Ihr Tarif ist unverändert.',
    expired: 'Diese Zahlungsseite ist abgelaufen. Es wurde nichts berechnet.',
  },

  profile: {
    title: 'Profil',
    you: 'Sie',
    saving: 'Wird gespeichert …',
    nameSaved: 'Ihr Name ist gespeichert',
    password: 'Passwort',
    current: 'Aktuelles Passwort',
    next: 'Neues Passwort',
    others: 'Alle anderen Geräte abmelden',
    change: 'Passwort ändern',
    changing: 'Wird geändert …',
    changed: 'Ihr Passwort ist geändert',
    second: {
      title: 'Anmeldung in zwei Schritten',
      on: 'Ein',
      off: 'Aus',
      text: 'Mit einem zusätzlichen Code von Ihrem Telefon öffnet ein gestohlenes Passwort allein nichts.',
      turnOn: 'Einschalten',
      turnOff: 'Ausschalten',
      newCodes: 'Neue Ersatzcodes',
      why: {
        on: 'Geben Sie Ihr Passwort ein, um eine Authenticator-App einzurichten.',
        codes: 'Geben Sie Ihr Passwort ein. Die neuen Codes ersetzen alle früheren.',
        off: 'Geben Sie Ihr Passwort ein. Danach genügt es allein zum Anmelden.'
      },
      next: 'Weiter',
      scan: 'Codex zur Authenticator-App hinzufügen',
      scanText: 'Scannen Sie dieses Bild mit der App oder tippen Sie den Schlüssel ein.',
      picture: 'QR-Code für Ihre Authenticator-App',
      key: 'Schlüssel',
      copyKey: 'Schlüssel kopieren',
      open: 'App auf diesem Gerät öffnen',
      checkText: 'Geben Sie dann die sechs Ziffern ein, die die App zeigt. Erst damit gilt die Anmeldung in zwei Schritten.',
      confirm: 'Jetzt einschalten',
      turnedOn: 'Die Anmeldung in zwei Schritten ist eingeschaltet',
      turnedOff: 'Die Anmeldung in zwei Schritten ist ausgeschaltet',
      codes: 'Bewahren Sie Ihre Ersatzcodes auf',
      codesText: 'Mit einem davon kommen Sie hinein, wenn Ihr Telefon weg ist. Jeder gilt einmal. Sie werden nicht noch einmal gezeigt.',
      copy: 'Kopieren',
      print: 'Drucken',
      download: 'Herunterladen',
      file: 'codex-ersatzcodes.txt',
      copied: 'Kopiert',
      notCopied: 'Das Kopieren hat nicht geklappt: Bitte markieren und kopieren Sie den Text selbst.',
      kept: 'Ich habe sie aufbewahrt'
    },
    sessions: 'Wo Sie angemeldet sind',
    sessionsText: 'Eines davon kennen Sie nicht? Melden Sie es ab und ändern Sie Ihr Passwort.',
    thisDevice: 'Dieses Gerät',
    lastActive: (when) => `Zuletzt aktiv ${when}`,
    signedIn: (when) => `Angemeldet ${when}`,
    end: 'Abmelden',
    endOf: (device) => `${device} abmelden`,
    endTitle: 'Dieses Gerät abmelden?',
    endText: (device) => `${device} wird sofort abgemeldet. Wer es benutzt, muss sich erneut anmelden.`,
    endOthers: 'Alle anderen Geräte abmelden',
    endOthersTitle: 'Alle anderen Geräte abmelden?',
    endOthersText: (n) =>
      `${n} ${plural(n, 'anderes Gerät wird', 'andere Geräte werden')} sofort abgemeldet. Hier bleiben Sie angemeldet.`,
    ended: 'Das Gerät ist abgemeldet',
    othersEnded: 'Alle anderen Geräte sind abgemeldet',
    notFresh: 'Die Geräteliste verlangt zu Ihrer Sicherheit eine frische Anmeldung.',
    signInAgain: 'Erneut anmelden'
  },

  device: { unknown: 'Unbekanntes Gerät', on: (browser, system) => `${browser} auf ${system}` },

  time: { soon: 'ein paar Sekunden', justNow: 'gerade eben' },

  notFound: { title: 'Hier ist nichts', text: 'Die Adresse ist vielleicht vertippt oder die Seite ist umgezogen.', home: 'Zur Startseite' },

  offline: {
    title: 'Ihr Konto ist nicht zu erreichen',
    text: 'Prüfen Sie Ihre Verbindung. Wenn sie steht, liegt der Fehler bei uns und ist bald behoben.'
  },

  fields: {
    nameMissing: 'Geben Sie Ihren Namen ein.',
    emailMissing: 'Geben Sie Ihre E-Mail-Adresse ein.',
    emailWrong: 'Geben Sie eine Adresse wie name@example.com ein.',
    passwordMissing: 'Geben Sie Ihr Passwort ein.',
    passwordShort: 'Das Passwort braucht mindestens 8 Zeichen.',
    passwordLong: 'Das Passwort darf höchstens 128 Zeichen haben.',
    codeMissing: 'Geben Sie den Code ein.',
    codeWrong: 'Der Code hat sechs Ziffern.',
    backupCodeWrong: 'Ein Ersatzcode sieht aus wie aB3dE-fG7hI.',
    fileNameMissing: 'Geben Sie einen Namen ein.',
    fileNameWrong: 'Ein Name darf weder / noch \\ enthalten und hat höchstens 255 Zeichen.'
  },

  errors: {
    OFFLINE: 'Es gibt keine Verbindung zum Server. Prüfen Sie Ihr Netz und versuchen Sie es erneut.',
    UNKNOWN: 'Das hat nicht geklappt. Bitte versuchen Sie es erneut.',
    RATE_LIMITED: 'Zu viele Versuche.',
    UNAVAILABLE: 'Der Dienst ist gerade nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.',
    UNAUTHORIZED: 'Bitte melden Sie sich erneut an.',
    VALIDATION_ERROR: 'Bitte prüfen Sie Ihre Eingaben.',
    VALIDATION_FAILED: 'Bitte prüfen Sie Ihre Eingaben.',
    INVALID_EMAIL: 'Das ist keine E-Mail-Adresse.',
    INVALID_EMAIL_OR_PASSWORD: 'Die Adresse oder das Passwort ist falsch.',
    EMAIL_NOT_VERIFIED: 'Bestätigen Sie zuerst Ihre Adresse: Wir haben Ihnen eine Mail geschickt.',
    USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'Diese Adresse kann nicht verwendet werden. Melden Sie sich an oder nehmen Sie eine andere.',
    EMAIL_PASSWORD_SIGN_UP_DISABLED: 'Zurzeit werden keine neuen Konten angenommen.',
    PASSWORD_TOO_SHORT: 'Das Passwort braucht mindestens 8 Zeichen.',
    PASSWORD_TOO_LONG: 'Das Passwort darf höchstens 128 Zeichen haben.',
    PASSWORD_COMPROMISED: 'Dieses Passwort ist aus einem Datenleck bekannt. Bitte wählen Sie ein anderes.',
    INVALID_PASSWORD: 'Das aktuelle Passwort ist falsch.',
    INVALID_TOKEN: 'Dieser Link funktioniert nicht mehr. Fordern Sie einen neuen an.',
    TOKEN_EXPIRED: 'Dieser Link ist abgelaufen. Fordern Sie einen neuen an.',
    INVALID_CODE: 'Dieser Code ist falsch oder wurde schon benutzt. Nehmen Sie den neuesten.',
    INVALID_BACKUP_CODE: 'Dieser Ersatzcode ist falsch oder wurde schon benutzt.',
    INVALID_TWO_FACTOR_COOKIE: 'Diese Anmeldung ist abgelaufen. Bitte melden Sie sich erneut an.',
    TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'Zu viele falsche Codes. Bitte melden Sie sich erneut an.',
    ACCOUNT_TEMPORARILY_LOCKED: 'Zu viele falsche Codes. Zu Ihrer Sicherheit wird eine Weile keiner angenommen.',
    OTP_HAS_EXPIRED: 'Der Code aus der Mail ist abgelaufen. Lassen Sie sich einen neuen schicken.',
    OTP_NOT_CONFIGURED: 'Codes per Mail gelten hier nicht. Bitte wählen Sie einen anderen Weg.',
    TOTP_NOT_ENABLED: 'Dieses Konto hat keine Authenticator-App. Bitte wählen Sie einen anderen Weg.',
    BACKUP_CODES_NOT_ENABLED: 'Dieses Konto hat keine Ersatzcodes. Bitte wählen Sie einen anderen Weg.',
    TOTP_ALREADY_ENABLED: 'Eine Authenticator-App ist schon eingerichtet. Schalten Sie die Anmeldung in zwei Schritten zuerst aus.',
    TWO_FACTOR_NOT_ENABLED: 'Die Anmeldung in zwei Schritten ist aus.',
    SESSION_NOT_FRESH: 'Zu Ihrer Sicherheit ist dafür eine frische Anmeldung nötig.',
    BANNED_USER: 'Dieses Konto ist gesperrt.',
    NAME_TAKEN: 'Es gibt schon eine Datei mit diesem Namen.',
    FILE_TOO_LARGE: 'Die Datei ist zu groß.',
    QUOTA_EXCEEDED: 'Für diese Datei ist nicht genug Platz. Löschen Sie Dateien oder wählen Sie einen größeren Tarif.',
    TYPE_NOT_ALLOWED: 'Der Inhalt passt nicht zu der Art von Datei, die der Name verspricht.',
    BODY_TRUNCATED: 'Die Verbindung brach ab, bevor die ganze Datei angekommen war.',
    FILE_NOT_FOUND: 'Diese Datei gibt es nicht mehr.',
    ALREADY_SUBSCRIBED: 'Sie haben diesen Tarif schon.',
    NO_CUSTOMER: 'Es gibt noch nichts zu verwalten: Wählen Sie zuerst einen Tarif.'
  }
};
