// Package browser takes a person's journey through the whole product in a real
// Chromium: journey.test.mjs, against the product started here. Its pictures are
// kept in artifacts/browser.
package browser
