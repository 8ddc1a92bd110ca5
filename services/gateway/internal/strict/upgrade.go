package strict

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// keyBytes is the length of a handshake's nonce (RFC 6455 §4.1).
const keyBytes = 16

// Upgrades holds where a client asks for another protocol.
func Upgrades(r *http.Request) bool {
	return len(r.Header["Upgrade"]) > 0 || len(r.Header["Http2-Settings"]) > 0
}

// WebSocket holds for a whole handshake (RFC 6455 §4.2.1).
func WebSocket(r *http.Request) bool {
	h := r.Header
	key, err := base64.StdEncoding.DecodeString(h.Get("Sec-Websocket-Key"))
	return err == nil && len(key) == keyBytes && h.Get("Sec-Websocket-Version") == "13" &&
		r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.ContentLength == 0 &&
		strings.EqualFold(h.Get("Upgrade"), "websocket") && len(h["Http2-Settings"]) == 0 && listed(h["Connection"], "upgrade")
}

func listed(lines []string, word string) bool {
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(entry, " \t"), word) {
				return true
			}
		}
	}
	return false
}
