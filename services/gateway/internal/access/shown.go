package access

import "strings"

const shownBytes = 256

// Shown is the part of a path that may stand in a log. The query never does, and
// of auth's paths three segments: the fourth can be a token (reset-password/…).
func Shown(path string, auth bool) string {
	if auth {
		if at := nthSlash(path, 4); at >= 0 {
			path = path[:at] + "/…"
		}
	}
	if len(path) > shownBytes {
		return path[:shownBytes] + "…"
	}
	return path
}

func nthSlash(s string, n int) int {
	for i := range len(s) {
		if s[i] == '/' {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

// CleanMethod keeps made-up methods out of logs and spans.
func CleanMethod(method string) string {
	if strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(method) > 16 {
		return "other"
	}
	return method
}
