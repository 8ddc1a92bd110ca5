package main

import "github.com/codex-platform/codex/services/auth/internal/emailotp"

// addEmailOTP is codes by mail.
func addEmailOTP(f *features) error {
	s, p := f.settings, f.parts
	if !s.Plugins.EmailOTP {
		return nil
	}
	f.doors = append(f.doors, &emailotp.Codes{
		DB: p.pool, Once: f.once, Owners: f.owners(s.Ways.CodeSignUp), Sessions: f.sessions, Entrance: f.entrance, Reset: f.reset,
		Passwords: f.passwords, Letters: f.letters, Limits: f.limits, Audit: f.audit,
		Life: s.Ways.CodeLife, SignIn: s.Accounts.SignInAfterVerify, SameBrowser: s.sameBrowser(), Floor: s.Accounts.AnswerFloor, Now: p.now,
		Change: emailotp.Change{On: bool(s.Ways.CodeChange), Confirm: bool(s.Ways.CodeConfirm)},
	})
	return nil
}
