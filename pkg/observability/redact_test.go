package observability_test

import (
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/observability"
)

func TestRedact_masks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		// by key, in the forms of headers, queries, logfmt, JSON, Go and libpq
		`password=hunter2 user=ada`:                               `password=[redacted] user=ada`,
		`password="two words" x=1`:                                `password="[redacted]" x=1`,
		`{"password":"hunter2","n":1}`:                            `{"password":"[redacted]","n":1}`,
		`{"password": "hun\"ter2", "n": 1}`:                       `{"password": "[redacted]", "n": 1}`,
		`{"body":"{\"password\":\"hun\\\"ter2\",\"n\":1}"}`:       `{"body":"{\"password\":\"[redacted]\",\"n\":1}"}`,
		`{"tokens":["a","b]"],"n":1}`:                             `{"tokens":"[redacted]","n":1}`,
		`{"otp":123456,"used":false}`:                             `{"otp":"[redacted]","used":false}`,
		`{"name":"Ada Lovelace","id":"u1"}`:                       `{"name":"[redacted]","id":"u1"}`,
		`{"address":{"street":"Main 1","city":"X"},"id":"u1"}`:    `{"address":"[redacted]","id":"u1"}`,
		`{Password:hunter two Name:Ada Lovelace ID:u1}`:           `{Password:[redacted] Name:[redacted] ID:u1}`,
		`{Password:"hunter2", ID:"u1"}`:                           `{Password:"[redacted]", ID:"u1"}`,
		`map[password:hunter2 user:u1]`:                           `map[password:[redacted] user:u1]`,
		`map[Authorization:[Bearer abc] Host:[x]]`:                `map[Authorization:[redacted] Host:[x]]`,
		`host=db password='it is' dbname=x`:                       `host=db password='[redacted]' dbname=x`,
		"Cookie: a=b; c=d\nHost: x":                               "Cookie: [redacted]\nHost: x",
		"Set-Cookie: s=1; Path=/":                                 "Set-Cookie: [redacted]",
		`curl -H "Authorization: Bearer abc.def" https://x.test`:  `curl -H "Authorization: [redacted]" https://x.test`,
		`X-Api-Key: k-1234`:                                       `X-Api-Key: [redacted]`,
		`api key: k-1234 was used`:                                `api key: [redacted] was used`,
		`GET /a?token=abc&x=1`:                                    `GET /a?token=[redacted]&x=1`,
		`GET /cb?code=abc-def&state=xyz&x=1`:                      `GET /cb?code=[redacted]&state=[redacted]&x=1`,
		`/o?X-Amz-Signature=00ff&X-Amz-Expires=60`:                `/o?X-Amz-Signature=[redacted]&X-Amz-Expires=60`,
		`/o?X-Amz-Credential=AK%2F2026&X-Amz-Date=1`:              `/o?X-Amz-Credential=[redacted]&X-Amz-Date=1`,
		`/api/auth/reset-password/Zk4fQ0pB1xYv7mNc2aTd?x=1`:       `/api/auth/reset-password/[token]?x=1`,
		`better-auth.session_token=abc.def; x=1`:                  `better-auth.session_token=[redacted]; x=1`,
		`__Host-codex.jwt=abc`:                                    `__Host-codex.jwt=[redacted]`,
		`token: Bearer abc123 and more`:                           `token: [redacted] and more`,
		`access_token=bearer abc123`:                              `access_token=[redacted]`,
		`Authorization=Bearer abc123`:                             `Authorization=[redacted]`,
		`code=482913`:                                             `code=[redacted]`,
		`check password: timeout!`:                                `check password: [redacted]`,
		`decode {"code":"abcde-12345"}`:                           `decode {"code":"[redacted]"}`,
		`Key (email)=(x) already exists`:                          `Key (email)=[redacted] already exists`,
		`otpauth://totp/Codex?secret=JBSWY3DP&issuer=Codex`:       `otpauth://totp/Codex?secret=[redacted]&issuer=Codex`,
		`{"phone":491711234567,"n":1}`:                            `{"phone":"[redacted]","n":1}`,
		`AUTH_SECRETS=dev-only-1234567890`:                        `AUTH_SECRETS=[redacted]`,
		`connect postgres://codex:pa/ss@127.0.0.1:5432/codex`:     `connect postgres://[redacted]@127.0.0.1:5432/codex`,
		`connect redis://:secret@cache:6379/0 refused`:            `connect redis://[redacted]@cache:6379/0 refused`,
		`smtp://a@b.test:pw@mail.test:587 and https://x.test/a@b`: `smtp://[redacted]@mail.test:587 and https://x.test/a@b`,
		`dial codex:pw@cache:6379`:                                `dial [redacted]@cache:6379`,

		// by form
		`auth: Bearer abc123.def, next`:                                      `auth: Bearer [token], next`,
		`basic dXNlcjpwYXNz`:                                                 `basic [token]`,
		`got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln in`:                   `got [token] in`,
		`Zk4fQ0pB1xYv7mNc2aTdWq8LsE5hRj3u.` + base64Sig + `=!`:               `[token]!`,
		`Zk4fQ0pB1xYv7mNc2aTdWq8LsE5hRj3u.` + encodedSig + `!`:               `[token]!`,
		`mail to ada.lovelace+x@mail.example.com failed`:                     `mail to [email] failed`,
		`<o'brien@x.test>, b@x.test`:                                         `<[email]>, [email]`,
		`/u?q=ada%40example.com&x=1`:                                         `/u?q=[email]&x=1`,
		`/u?q=ada%2540example.com`:                                           `/u?q=[email]`,
		`call +49 (171) 123-4567 now`:                                        `call [phone] now`,
		`call 0171 1234567, 01711234567 or 0049 171 1234567`:                 `call [phone], [phone] or [phone]`,
		`(030) 1234567; (555) 123-4567; 555-123-4567`:                        `[phone]; [phone]; [phone]`,
		`1-555-123-4567`:                                                     `[phone]`,
		`phone%3D%2B491711234567`:                                            `phone=[redacted]`,
		`paid by 4111 1111 1111 1111 12/27`:                                  `paid by [card] 12/27`,
		`12 4111-1111-1111-1111`:                                             `12 [card]`,
		`5555555555554444, 378282246310005, 6011111111111117`:                `[card], [card], [card]`,
		`30569309025904 3530111333300000 2223003122003222`:                   `[card] [card] [card]`,
		`IBAN DE89 3704 0044 0532 0130 00 is closed`:                         `IBAN [iban] is closed`,
		`gb82west12345698765432`:                                             `[iban]`,
		`key sk_test_4eC39HqLyjWDarjtT1zdp7dc leaked`:                        `key [key] leaked`,
		`whsec_abcdEFGH0123 and dev-only-0123456789`:                         `[key] and [key]`,
		`pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HhB`:              `pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_[key]`,
		"a\n-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\nb": "a\n[key]\nb",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIB":                              "[key]",

		// what steers a terminal
		"a\u009b31mb\u007fc\u202ed": `a\u009b31mb\u007fc\u202ed`,
	} {
		if got := observability.Redact(text); got != want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", text, got, want)
		}
	}
}

// Made up, 44 characters as an HMAC-SHA256 has in base64.
const (
	base64Sig  = "q0Zk+fQ0pB1xYv7mNc2aTdWq8LsE5hRj3u/9kPzXoGs"
	encodedSig = "q0Zk%2BfQ0pB1xYv7mNc2aTdWq8LsE5hRj3u%2F9kPzXoGs%3D"
)

func TestRedact_keepsWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"550e8400-e29b-41d4-a716-446655440000",
		"12345678-1234-4111-8111-111111111111", // a UUID of digits alone
		"4bf92f3577b34da6a3ce929d0e0e4736",
		"41111111111111114111111111111111", // 32 digits: a trace id
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"Zk4fQ0pB1xYv7mNc2aTdWq8LsE5hRj3u",
		"cus_NffrFeUfNV2Hib evt_1NG8Du2eZvKYlo2CUI79vXWy pi_3MtwBwLkdIwHu7ix28a3tqPa",
		"2026-11-25T02:10:51.123456789Z took 12.345678ms",
		"2026-11-25 02:10:51 +0100 20261125021051 1764036651000 1764036651000000000",
		"05.11.2026 14:03",
		"0.4111111111111111 of 1",
		"127.0.0.1:5432 192.168.100.200 [2001:db8::1]:443 ::ffff:10.0.0.1",
		"read 1234567890 bytes of 9876543210",
		"0000000042 0000000000042",
		"GET /api/storage/v1/files/550e8400-e29b-41d4-a716-446655440000/content 200",
		"verify token: signature does not match",
		"read cookie: http: named cookie not present",
		"check password: context deadline exceeded",
		"the token has expired, the secret stays",
		"bearer token missing",
		`Bearer realm="codex"`,
		`{"code":"SHARE_NOT_FOUND","status":404}`,
		`{"code":404} {"code":"23505"} exit code: 2`,
		`{"token_type":"bearer","tokens_left":3,"password_set":true,"token_id":"x"}`,
		"/root/go/pkg/mod/github.com/labstack/echo/v4@v4.16.0/echo.go:123 +0x1d",
		"golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/src/net/http/server.go:2220",
		"nginx@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"https://example.com:8443/a/b?x=1&page=2#top",
		"http://localhost:8000/docs/problems#NOT_FOUND",
		"dial tcp 127.0.0.1:6379: connect: connection refused",
		"failed to connect to `user=codex_auth database=codex`: 127.0.0.1:5432 (127.0.0.1): dial error",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"grüße, 你好, 🎉 100 %",
		"goroutine 12345678 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d",
		"DE89370400440532013001", // the checksum is wrong
		"4111111111111112",       // the check digit is wrong
		"state=open key=files/1",
	} {
		if got := observability.Redact(text); got != text {
			t.Errorf("Redact(%q) = %q, want it whole", text, got)
		}
	}
}

func TestRedact_anotherLookFindsNothingNew(t *testing.T) {
	t.Parallel()
	text := `password=a token: b1 {"secret":"c"} Cookie: d=e Bearer f1 g@h.test +491711234567 4111111111111111 postgres://u:p@h/d`
	once := observability.Redact(text)
	if twice := observability.Redact(once); twice != once {
		t.Errorf("once  %q\ntwice %q", once, twice)
	}
}

func FuzzRedact(f *testing.F) {
	for _, seed := range []string{
		"", `{"password":"x`, `\\\"token\\\":\\\"`, "a@@b:c://d:e@f", "-----BEGIN ", "%40%%4", "eyJ.eyJ.", "Bearer ",
		"+++1 (2) 3-4", "(030) ", "name:[{(", "\xff\xc2", "DE89 3704 0044", "code=", "a:b@", "reset-password/",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const planted = "planted.person@secret-place.example"
		got := observability.Redact(before + " " + planted + " " + after)
		if strings.Contains(got, planted) {
			t.Errorf("an address survived between %q and %q: %q", before, after, got)
		}
	})
}
