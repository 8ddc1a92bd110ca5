package mail

// Template names a kind of letter. Its words are in templates/<language>/<name>.txt,
// written once for both forms: the first line is the subject, blank lines part
// paragraphs, a paragraph that begins with ">" is the button, one that begins
// with "=" is a code.
type Template string

// The kinds of letters.
const (
	VerifyEmail         Template = "verify-email"          // proves that the address is the reader's
	ResetPassword       Template = "reset-password"        // leads to choosing a new password
	AccountMade         Template = "account-made"          // an administrator made the account: leads to choosing a password
	AccountExists       Template = "account-exists"        // somebody tried to sign up with the reader's address
	PasswordChanged     Template = "password-changed"      // tells the reader, who may not have done it
	MagicLink           Template = "magic-link"            // signs in
	SignInCode          Template = "sign-in-code"          // a code that signs in
	VerifyCode          Template = "verify-code"           // a code that proves the address
	ResetCode           Template = "reset-code"            // a code for choosing a new password
	TwoFactorCode       Template = "two-factor-code"       // a code that is the second factor
	ChangeEmailConfirm  Template = "change-email-confirm"  // to the old address: may the address be changed?
	ChangeEmailVerify   Template = "change-email-verify"   // to the new address: is it the reader's?
	EmailChanged        Template = "email-changed"         // to the old address: it was changed
	NewDevice           Template = "new-device"            // somebody signed in from a new device or place
	SecondFactorChanged Template = "second-factor-changed" // tells the reader, who may not have done it
	PasskeyChanged      Template = "passkey-changed"       // tells the reader, who may not have done it
	WayAdded            Template = "way-added"             // tells the reader of a new way of signing in
	WayRemoved          Template = "way-removed"           // tells the reader of one that is gone
	DeleteAccount       Template = "delete-account"        // the link deletes the account
	AccountDeleted      Template = "account-deleted"       // the account is gone
)

// Kinds are all of them.
var Kinds = []Template{
	VerifyEmail, ResetPassword, AccountMade, AccountExists, PasswordChanged, MagicLink, SignInCode, VerifyCode, ResetCode, TwoFactorCode,
	ChangeEmailConfirm, ChangeEmailVerify, EmailChanged, NewDevice, SecondFactorChanged, PasskeyChanged,
	WayAdded, WayRemoved, DeleteAccount, AccountDeleted,
}

// What SecondFactorChanged and PasskeyChanged tell, in Data.What.
const (
	WhatAdded       = "added"
	WhatRemoved     = "removed"
	WhatBackupCodes = "backup-codes" // new backup codes took the place of the old ones
)

// WhatPassword is the way of signing in that WayRemoved tells of where it is no
// provider, whose name Data.What then is.
const WhatPassword = "password"
