// Package content owns how a file's bytes are handed out: which of them (ranges),
// whether at all (conditions), and under which headers, so that nothing a user
// stored can run in another user's browser.
package content
