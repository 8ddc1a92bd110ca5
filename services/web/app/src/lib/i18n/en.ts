// Every word of the app in English. Other languages have the same shape: a
// missing or superfluous text does not compile.

const plural = (n: number, one: string, many: string) => (n === 1 ? one : many);

export const en = {
  language: { choose: 'Language' },

  common: {
    brand: 'Codex',
    skip: 'Skip to content',
    loading: 'Loading …',
    cancel: 'Cancel',
    close: 'Close',
    save: 'Save',
    tryAgain: 'Try again',
    loadMore: 'Show more',
    email: 'E-mail address',
    password: 'Password',
    name: 'Name',
    showPassword: 'Show password',
    hidePassword: 'Hide password',
    checkForm: 'Please check these fields:',
    retryIn: (seconds: number) => `You can try again in ${seconds} ${plural(seconds, 'second', 'seconds')}.`,
    retryNow: 'You can try again now.',
    reference: (id: string) => `Reference: ${id}`
  },

  landing: {
    title: 'Codex: your files in good order',
    heading: 'Your files, in good order.',
    lead: 'Keep documents, pictures and recordings in one private place. Start free, and add room when you need it.',
    start: 'Create an account',
    signIn: 'Sign in',
    features: [
      { icon: 'shield', title: 'Yours alone', text: 'Every file belongs to one account. See each device that is signed in, and sign it out at once.' },
      { icon: 'upload', title: 'Big files welcome', text: 'Send several at a time, watch each one arrive, and go on working meanwhile.' },
      { icon: 'card', title: 'Simple plans', text: 'A free plan to start with. Change or cancel on your own, without asking anybody.' }
    ] as { icon: 'shield' | 'upload' | 'card'; title: string; text: string }[],
    footer: 'Codex. Accounts, files and billing behind one safe front door.'
  },

  signUp: {
    title: 'Create your account',
    lead: 'It takes a minute and costs nothing.',
    submit: 'Create account',
    submitting: 'Creating your account …',
    have: 'Already have an account?',
    signIn: 'Sign in'
  },

  signIn: {
    title: 'Welcome back',
    lead: 'Sign in to reach your files.',
    remember: 'Stay signed in on this device',
    forgot: 'Forgot your password?',
    submit: 'Sign in',
    submitting: 'Signing in …',
    none: 'New here?',
    signUp: 'Create an account',
    ended: 'Please sign in to go on.',
    again: 'For your safety, please sign in again to go on.',
    wasReset: 'Your new password is set. Sign in with it now.'
  },

  secondFactor: {
    title: 'One more step',
    lead: {
      totp: 'Enter the six digits that your authenticator app shows now.',
      otp: 'We send six digits to the address of your account. They are valid for three minutes.',
      backup: 'Enter one of the backup codes that you have kept. Each works once.'
    },
    code: { totp: 'Code from the app', otp: 'Code from the mail', backup: 'Backup code' },
    send: 'Send the code',
    resend: 'Send a new code',
    resendIn: (seconds: number) => `New code in ${seconds} s`,
    sent: 'The code is on its way.',
    trust: 'Trust this device: no code for the next weeks',
    submit: 'Confirm',
    submitting: 'Checking the code …',
    others: 'No such code at hand?',
    ways: { totp: 'Use the authenticator app', otp: 'Get a code by mail', backup: 'Use a backup code' },
    signIn: 'Sign in again'
  },

  verify: {
    title: 'Check your mail',
    sentTo: 'We have sent a link to',
    text: 'Open it to confirm your address. The link is valid for one hour. If nothing arrives, look into the spam folder, or send the mail again.',
    send: 'Send the mail',
    resend: 'Send the mail again',
    resendIn: (seconds: number) => `Send again in ${seconds} s`,
    resent: 'The mail is on its way again.',
    other: 'Use another address',
    done: 'Your address is confirmed',
    doneText: 'Everything is ready. Taking you to your dashboard …',
    toDashboard: 'Go to the dashboard',
    already: 'Your address is confirmed',
    alreadyText: 'You can sign in now.',
    elsewhereText:
      'To be sure that the password is yours, sign in with it and open the link of our next mail in that same browser. Or choose a new password.',
    newPassword: 'Choose a new password',
    signIn: 'Sign in',
    expired: 'This link has expired',
    invalid: 'This link does not work',
    failedText: 'Links are valid for one hour. Enter your address and we send you a new one.',
    ask: 'Confirm your address',
    askText: 'Enter your address and we send you a link that confirms it.',
    unverified: 'Confirm your address before you sign in: open the link in this browser.'
  },

  forgot: {
    title: 'Reset your password',
    lead: 'Tell us your address. We send you a link with which you choose a new password.',
    submit: 'Send the link',
    submitting: 'Sending …',
    sent: 'Check your mail',
    sentText: 'If there is an account with this address, a link is on its way. It is valid for one hour.',
    back: 'Back to sign-in'
  },

  reset: {
    title: 'Choose a new password',
    lead: 'Afterwards all devices are signed out and you sign in with the new password.',
    label: 'New password',
    submit: 'Set the password',
    submitting: 'Setting the password …',
    broken: 'This link does not work',
    brokenText: 'It may have expired or been used already. Ask for a new one.',
    again: 'Ask for a new link'
  },

  password: {
    length: 'At least 8 characters',
    more: (missing: number) => `${missing} more to go`,
    enough: 'Long enough',
    tooLong: 'At most 128 characters'
  },

  nav: {
    label: 'Main',
    dashboard: 'Dashboard',
    files: 'Files',
    billing: 'Billing',
    profile: 'Profile',
    signOut: 'Sign out',
    uploading: (done: number, all: number) => `Uploading ${done} of ${all}`
  },

  dashboard: {
    title: 'Dashboard',
    hello: (name: string) => `Hello, ${name}`,
    lead: 'Here is how things stand.',
    plan: 'Plan',
    storage: 'Storage',
    change: 'Change plan',
    manage: 'Manage plan',
    files: 'Recent files',
    allFiles: 'All files',
    noFiles: 'No files yet',
    noFilesText: 'Upload the first one: it shows up here.',
    upload: 'Upload files',
    payments: 'Recent payments',
    allPayments: 'All payments',
    noPayments: 'No payments yet',
    noPaymentsText: 'On the free plan there is nothing to pay.'
  },

  quota: {
    label: 'Storage used',
    used: (used: string, limit: string) => `${used} of ${limit} used`,
    files: (n: number) => `${n} ${plural(n, 'file', 'files')}`,
    nearly: 'Nearly full',
    full: 'Full: delete files or choose a bigger plan.'
  },

  plan: {
    renews: (date: string) => `Renews on ${date}`,
    ends: (date: string) => `Ends on ${date}`,
    free: 'Free of charge',
    status: {
      active: 'Active',
      trialing: 'Trial',
      past_due: 'Payment overdue',
      canceled: 'Cancelled',
      none: 'Active'
    } as Record<string, string>,
    overdue: 'The last payment did not go through. Please check your payment method.'
  },

  files: {
    title: 'Files',
    drop: 'Drop files here',
    or: 'or',
    pick: 'Choose files',
    dropping: 'Let go to upload',
    limit: (size: string) => `Up to ${size} a file`,
    list: 'Your files',
    sort: 'Order',
    newest: 'Newest first',
    byName: 'By name',
    name: 'Name',
    size: 'Size',
    added: 'Added',
    actions: 'Actions',
    download: (name: string) => `Download ${name}`,
    rename: (name: string) => `Rename ${name}`,
    remove: (name: string) => `Delete ${name}`,
    none: 'No files yet',
    noneText: 'Drop something above. It stays private to you.',
    renameTitle: 'Rename file',
    renameLabel: 'New name',
    renameSubmit: 'Rename',
    renamed: (name: string) => `Renamed to ${name}`,
    removeTitle: 'Delete this file?',
    removeText: (name: string) => `“${name}” is deleted for good. This cannot be undone.`,
    removeSubmit: 'Delete',
    removed: (name: string) => `${name} deleted`
  },

  upload: {
    title: 'Uploads',
    waiting: 'Waiting',
    progress: (sent: string, size: string) => `${sent} of ${size}`,
    speed: (rate: string) => `${rate}/s`,
    left: (time: string) => `${time} left`,
    finishing: 'Finishing …',
    done: 'Done',
    cancelled: 'Cancelled',
    failed: 'Failed',
    cancel: (name: string) => `Cancel ${name}`,
    retry: (name: string) => `Try ${name} again`,
    keepBoth: 'Keep both',
    keepBothOf: (name: string) => `Keep both files named ${name}`,
    dismiss: (name: string) => `Remove ${name} from this list`,
    clear: 'Clear list',
    tooLarge: (limit: string) => `Too large: a file may have up to ${limit}.`,
    noRoom: (free: string) => `Not enough room: ${free} are free.`,
    isFolder: 'Folders cannot be uploaded. Choose the files inside.',
    resumes: (seconds: number) => `Goes on in ${seconds} s`,
    step: (name: string, percent: number) => `${name}: ${percent} percent`,
    finished: (name: string) => `${name} uploaded`,
    broke: (name: string) => `${name} was not uploaded`,
  },

  billing: {
    title: 'Billing',
    plans: 'Plans',
    current: 'Your plan',
    included: (size: string) => `${size} of storage`,
    per: { day: 'a day', week: 'a week', month: 'a month', year: 'a year' } as Record<string, string>,
    choose: (name: string) => `Choose ${name}`,
    opening: 'Opening the payment page …',
    manage: 'Manage subscription',
    manageText: 'Change your payment method, see invoices or cancel.',
    payments: 'Payments',
    noPayments: 'No payments yet',
    noPaymentsText: 'When you choose a paid plan, its payments appear here.',
    date: 'Date',
    description: 'For',
    amount: 'Amount',
    status: 'Status',
    invoice: 'Invoice',
    invoiceOf: (date: string) => `Invoice of ${date}`,
    refunded: (amount: string) => `${amount} refunded`,
    statuses: {
      succeeded: 'Paid',
      pending: 'Pending',
      processing: 'Pending',
      failed: 'Failed',
      action_required: 'Needs your confirmation',
      canceled: 'Cancelled',
      refunded: 'Refunded',
      partially_refunded: 'Partly refunded',
      disputed: 'Disputed'
    } as Record<string, string>,
    confirming: 'Confirming your payment …',
    confirmingText: 'This takes a few seconds. The page changes by itself.',
    confirmingLong: 'It takes longer than usual. You need not wait: your plan changes as soon as the payment is confirmed.',
    confirmed: (plan: string) => `Thank you! You are on ${plan} now.`,
    cancelled: 'The payment was cancelled. Nothing was charged, and your plan is as it was.',
    expired: 'This payment page has expired. Nothing was charged.',
  },

  profile: {
    title: 'Profile',
    you: 'You',
    saving: 'Saving …',
    nameSaved: 'Your name is saved',
    password: 'Password',
    current: 'Current password',
    next: 'New password',
    others: 'Sign out all other devices',
    change: 'Change password',
    changing: 'Changing …',
    changed: 'Your password is changed',
    second: {
      title: 'Two-step sign-in',
      on: 'On',
      off: 'Off',
      text: 'With a code from your phone in addition, a stolen password alone opens nothing.',
      turnOn: 'Turn on',
      turnOff: 'Turn off',
      newCodes: 'New backup codes',
      why: {
        on: 'Enter your password to set up an authenticator app.',
        codes: 'Enter your password. The new codes take the place of all earlier ones.',
        off: 'Enter your password. From then on, it alone is enough to sign in.'
      },
      next: 'Next',
      scan: 'Add Codex to your authenticator app',
      scanText: 'Scan this picture with the app, or type the key into it.',
      picture: 'QR code for your authenticator app',
      key: 'Key',
      copyKey: 'Copy the key',
      open: 'Open the app on this device',
      checkText: 'Then enter the six digits that the app shows. Only with them two-step sign-in is on.',
      confirm: 'Turn on now',
      turnedOn: 'Two-step sign-in is on',
      turnedOff: 'Two-step sign-in is off',
      codes: 'Keep your backup codes',
      codesText: 'With one of these you get in when your phone is lost. Each works once. They are not shown again.',
      copy: 'Copy',
      print: 'Print',
      download: 'Download',
      file: 'codex-backup-codes.txt',
      copied: 'Copied',
      notCopied: 'Copying did not work: please mark the text and copy it yourself.',
      kept: 'I have kept them'
    },
    sessions: 'Where you are signed in',
    sessionsText: 'Do you not know one of these? Sign it out and change your password.',
    thisDevice: 'This device',
    lastActive: (when: string) => `Last active ${when}`,
    signedIn: (when: string) => `Signed in ${when}`,
    end: 'Sign out',
    endOf: (device: string) => `Sign out ${device}`,
    endTitle: 'Sign out this device?',
    endText: (device: string) => `${device} is signed out at once. Whoever uses it must sign in again.`,
    endOthers: 'Sign out all other devices',
    endOthersTitle: 'Sign out all other devices?',
    endOthersText: (n: number) =>
      `${n} ${plural(n, 'other device is', 'other devices are')} signed out at once. You stay signed in here.`,
    ended: 'The device is signed out',
    othersEnded: 'All other devices are signed out',
    notFresh: 'For your safety, the list of devices needs a fresh sign-in.',
    signInAgain: 'Sign in again'
  },

  device: { unknown: 'Unknown device', on: (browser: string, system: string) => `${browser} on ${system}` },

  time: { soon: 'a few seconds', justNow: 'just now' },

  notFound: { title: 'There is nothing here', text: 'The address may be mistyped, or the page has moved.', home: 'To the start page' },

  offline: {
    title: 'We cannot reach your account',
    text: 'Check your connection. If it works, the fault is ours and will be over soon.'
  },

  fields: {
    nameMissing: 'Enter your name.',
    emailMissing: 'Enter your e-mail address.',
    emailWrong: 'Enter an address like name@example.com.',
    passwordMissing: 'Enter your password.',
    passwordShort: 'The password needs at least 8 characters.',
    passwordLong: 'The password may have at most 128 characters.',
    codeMissing: 'Enter the code.',
    codeWrong: 'The code has six digits.',
    backupCodeWrong: 'A backup code looks like aB3dE-fG7hI.',
    fileNameMissing: 'Enter a name.',
    fileNameWrong: 'A name may not contain / or \\ and has at most 255 characters.'
  },

  // What the services refuse, by the code they give.
  errors: {
    OFFLINE: 'There is no connection to the server. Check your network and try again.',
    UNKNOWN: 'That did not work. Please try again.',
    RATE_LIMITED: 'Too many tries.',
    UNAVAILABLE: 'The service is not available at the moment. Please try again shortly.',
    UNAUTHORIZED: 'Please sign in again.',
    VALIDATION_ERROR: 'Please check what you entered.',
    VALIDATION_FAILED: 'Please check what you entered.',
    INVALID_EMAIL: 'This is not an e-mail address.',
    INVALID_EMAIL_OR_PASSWORD: 'The address or the password is wrong.',
    EMAIL_NOT_VERIFIED: 'Confirm your address first: we have sent you a mail.',
    USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'This address cannot be used. Sign in, or take another one.',
    EMAIL_PASSWORD_SIGN_UP_DISABLED: 'New accounts are not accepted at the moment.',
    PASSWORD_TOO_SHORT: 'The password needs at least 8 characters.',
    PASSWORD_TOO_LONG: 'The password may have at most 128 characters.',
    PASSWORD_COMPROMISED: 'This password is known from a data leak. Please choose another one.',
    INVALID_PASSWORD: 'The current password is wrong.',
    INVALID_TOKEN: 'This link does not work any more. Ask for a new one.',
    TOKEN_EXPIRED: 'This link has expired. Ask for a new one.',
    INVALID_CODE: 'This code is wrong or was used before. Take the newest one.',
    INVALID_BACKUP_CODE: 'This backup code is wrong or was used before.',
    INVALID_TWO_FACTOR_COOKIE: 'This sign-in has run out. Please sign in again.',
    TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'Too many wrong codes. Please sign in again.',
    ACCOUNT_TEMPORARILY_LOCKED: 'Too many wrong codes. For your safety, no code is taken for a while.',
    OTP_HAS_EXPIRED: 'The code from the mail has expired. Have a new one sent.',
    OTP_NOT_CONFIGURED: 'Codes by mail are not taken here. Please choose another way.',
    TOTP_NOT_ENABLED: 'This account has no authenticator app. Please choose another way.',
    BACKUP_CODES_NOT_ENABLED: 'This account has no backup codes. Please choose another way.',
    TOTP_ALREADY_ENABLED: 'An authenticator app is set up already. Turn two-step sign-in off first.',
    TWO_FACTOR_NOT_ENABLED: 'Two-step sign-in is off.',
    SESSION_NOT_FRESH: 'For your safety, this needs a fresh sign-in.',
    BANNED_USER: 'This account is blocked.',
    NAME_TAKEN: 'There is already a file with this name.',
    FILE_TOO_LARGE: 'The file is too large.',
    QUOTA_EXCEEDED: 'There is not enough room for this file. Delete files or choose a bigger plan.',
    TYPE_NOT_ALLOWED: 'The content does not fit the kind of file its name promises.',
    BODY_TRUNCATED: 'The connection broke before the whole file had arrived.',
    FILE_NOT_FOUND: 'This file is no longer there.',
    ALREADY_SUBSCRIBED: 'You already have this plan.',
    NO_CUSTOMER: 'There is nothing to manage yet: choose a plan first.'
  } as Record<string, string>
};

/** Dictionary is the shape that every language has. */
export type Dictionary = typeof en;
