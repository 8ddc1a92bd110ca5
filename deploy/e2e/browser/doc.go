// Package browser takes people through the whole product in a real Chromium,
// against the product started here: journey.test.mjs from the first visit to a
// bigger quota, second-step.test.mjs through signing in in two steps. Their
// pictures are kept in artifacts/browser.
package browser
