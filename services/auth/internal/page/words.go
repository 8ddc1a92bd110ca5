package page

import (
	"strings"

	"golang.org/x/text/language"
)

// tongue is the page's words in one language.
type tongue struct {
	Lang, Title, Code, SignIn, Home string
	// said tells by code what happened and what to do; "" is for every other code.
	said map[string]string
}

// same are codes that mean what another one does, which the words have.
var same = map[string]string{
	"state_not_found":               "state_mismatch",
	"please_restart_the_process":    "state_mismatch",
	"no_code":                       "invalid_code",
	"issuer_mismatch":               "invalid_code",
	"unable_to_get_user_info":       "invalid_code",
	"invalid_user":                  "user_not_found",
	"signup_disabled":               "new_user_signup_disabled",
	"failed_to_create_user":         "failed_to_create_session",
	"banned":                        "banned_user",
	"unable_to_create_session":      "failed_to_create_session",
	"otp_expired":                   "token_expired",
	"consent_required":              "access_denied",
	"interaction_required":          "access_denied",
	"user_cancelled_login":          "access_denied",
	"server_error":                  "temporarily_unavailable",
	"email_doesn't_match":           "email_does_not_match",
	"unable_to_link_account":        "account_not_linked_here",
	"social_account_already_linked": "account_already_linked_to_different_user",
}

var tongues = []tongue{
	{
		Lang: "en", Title: "That did not work", Code: "Code", SignIn: "Go to sign-in", Home: "Back to the start",
		said: map[string]string{
			"":                         "Something did not work as it should. Please try again from where you began; if it happens again, tell us the code below.",
			"invalid_token":            "This link does not work. It may have been used already, or a newer one was sent after it. Use the newest link, or ask for another one.",
			"token_expired":            "This link is too old. Ask for a new one and open it soon.",
			"user_not_found":           "The account that this link was made for does not exist any more. You can sign up again.",
			"state_mismatch":           "This sign-in was begun in another browser, took longer than ten minutes, or was finished already. Begin again, and stay in one browser.",
			"access_denied":            "You, or the provider, did not agree to the sign-in. Nothing was changed. Try again, or sign in another way.",
			"invalid_code":             "The provider's answer could not be confirmed, so nobody was signed in. Try again; if it happens again, sign in another way.",
			"temporarily_unavailable":  "The provider cannot sign anybody in at the moment. Try again later, or sign in another way.",
			"oauth_provider_not_found": "This provider is not available here. Choose another way to sign in.",
			"email_not_found":          "The provider did not tell us an e-mail address. Allow it to, or sign in another way.",
			"email_not_verified":       "The address has not been proven yet. Open the link in the mail that we sent, then sign in.",
			"account_not_linked":       "There may be an account with this address already, and the provider does not stand for the address. Sign in as you did before, and connect the provider in your profile.",
			"account_not_linked_here":  "The two accounts could not be connected, because connecting is switched off or you were signed out meanwhile. Sign in and try again.",
			"account_already_linked_to_different_user": "This account of the provider is connected to somebody else here. Use another one, or disconnect it there first.",
			"email_does_not_match":                     "The provider's account has another address than yours, and only accounts with the same address can be connected.",
			"new_user_signup_disabled":                 "There is no account for this, and new ones cannot be made this way. Sign up first, or ask whoever runs this site.",
			"failed_to_create_session":                 "Everything was right, and still we could not sign you in. Please try again in a minute.",
			"banned_user":                              "This account is closed. Ask whoever runs this site why, and for how long.",
		},
	},
	{
		Lang: "de", Title: "Das hat nicht geklappt", Code: "Code", SignIn: "Zur Anmeldung", Home: "Zur Startseite",
		said: map[string]string{
			"":                         "Etwas hat nicht so geklappt, wie es sollte. Bitte versuche es noch einmal von vorn; passiert es wieder, nenne uns den Code unten.",
			"invalid_token":            "Dieser Link funktioniert nicht. Vielleicht wurde er schon benutzt, oder es kam ein neuerer nach. Nimm den neuesten Link oder fordere einen weiteren an.",
			"token_expired":            "Dieser Link ist zu alt. Fordere einen neuen an und öffne ihn bald.",
			"user_not_found":           "Das Konto, für das dieser Link gemacht wurde, gibt es nicht mehr. Du kannst dich neu registrieren.",
			"state_mismatch":           "Diese Anmeldung wurde in einem anderen Browser begonnen, dauerte länger als zehn Minuten oder war schon fertig. Beginne noch einmal und bleibe in einem Browser.",
			"access_denied":            "Du oder der Anbieter habt der Anmeldung nicht zugestimmt. Es wurde nichts geändert. Versuche es noch einmal oder melde dich anders an.",
			"invalid_code":             "Die Antwort des Anbieters ließ sich nicht bestätigen, deshalb wurde niemand angemeldet. Versuche es noch einmal; passiert es wieder, melde dich anders an.",
			"temporarily_unavailable":  "Der Anbieter kann gerade niemanden anmelden. Versuche es später noch einmal oder melde dich anders an.",
			"oauth_provider_not_found": "Diesen Anbieter gibt es hier nicht. Wähle eine andere Art, dich anzumelden.",
			"email_not_found":          "Der Anbieter hat uns keine E-Mail-Adresse genannt. Erlaube es ihm oder melde dich anders an.",
			"email_not_verified":       "Die Adresse ist noch nicht bestätigt. Öffne den Link in der Mail, die wir geschickt haben, und melde dich dann an.",
			"account_not_linked":       "Vielleicht gibt es schon ein Konto mit dieser Adresse, und der Anbieter steht nicht für sie ein. Melde dich an wie bisher und verbinde den Anbieter in deinem Profil.",
			"account_not_linked_here":  "Die beiden Konten ließen sich nicht verbinden: Das ist hier ausgeschaltet, oder du wurdest inzwischen abgemeldet. Melde dich an und versuche es noch einmal.",
			"account_already_linked_to_different_user": "Dieses Konto des Anbieters ist hier mit jemand anderem verbunden. Nimm ein anderes oder trenne es dort zuerst.",
			"email_does_not_match":                     "Das Konto beim Anbieter hat eine andere Adresse als deines, und nur Konten mit derselben Adresse lassen sich verbinden.",
			"new_user_signup_disabled":                 "Dafür gibt es kein Konto, und so lässt sich keines anlegen. Registriere dich zuerst oder frage, wer diese Seite betreibt.",
			"failed_to_create_session":                 "Alles stimmte, und trotzdem konnten wir dich nicht anmelden. Bitte versuche es in einer Minute noch einmal.",
			"banned_user":                              "Dieses Konto ist gesperrt. Frage, wer diese Seite betreibt, warum und wie lange.",
		},
	},
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// speak picks the language that a reader's Accept-Language asks for.
func speak(accepted string) tongue {
	_, i := language.MatchStrings(matcher, accepted)
	return tongues[i]
}

// about gives the words for a code, in any case.
func (t tongue) about(code string) string {
	code = strings.ToLower(code)
	if meant, ok := same[code]; ok {
		code = meant
	}
	if words, ok := t.said[code]; ok {
		return words
	}
	return t.said[""]
}
